package app

import "cmp"

// warnWitness tells who checks a site what its audit log cannot show without a
// witness.
func (b *built) warnWitness() {
	cfg := b.site.Config
	if cfg.Audit.Witness == nil {
		b.problems.Warn(cmp.Or(cfg.Audit.Pos, cfg.Pos), "no-witness", `say where checkpoints go: "audit: {witness: {file: /OTHER/VOLUME/cloister}}", or a url in the place of file`,
			"the audit log has no witness: that its newest records were cut off, or all of it rolled back, cannot be seen")
	}
}
