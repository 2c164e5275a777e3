// Package app wires a site into a running process. It is the only room where
// everything meets: it loads and compiles, listens, reloads and drains, and
// hands every part what it needs.
//
// It guarantees that "check" and "serve" judge a site by the same code; that a
// reload either puts the whole of a good site in force or changes nothing; that
// production refuses whatever the emulator made; and that the order of shutdown
// is: not ready, no new connections, open requests until drainTimeout, cut.
//
// What only a restart can change (listeners, health, state, the collector) is
// refused by a reload, by name.
//
// It fails with site.Problems for what is wrong with a site, each with its
// place, and with errors for what is wrong with the machine.
package app
