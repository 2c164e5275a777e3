// Command image writes Cloister's container image, without a container tool:
//
//	image -o cloister.oci.tar -version 1.2.3 -revision COMMIT -created 1700000000 linux/amd64=PROGRAM linux/arm64=PROGRAM
//
// The file is an OCI image layout in a tar archive (skopeo's and podman's
// "oci-archive") with an index of one image for each platform. An image holds
// the program, the roots that Mozilla trusts, a user, and nothing that could be
// run beside the program: no shell, no package manager.
//
// The same programs and flags make the same bytes. A program that is not a
// static ELF file of its platform is refused.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// about is what the labels say.
type about struct {
	version, revision string
	created           time.Time
}

func run(args []string, stderr io.Writer) error {
	fs := flag.NewFlagSet("image", flag.ContinueOnError)
	fs.SetOutput(stderr)
	out := fs.String("o", "cloister.oci.tar", "the `FILE` to write")
	version := fs.String("version", "dev", "the version that labels name")
	revision := fs.String("revision", "unknown", "the commit that labels name")
	created := fs.Int64("created", 0, "when, in seconds since 1970: that of the commit, for the same bytes from the same source")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return errors.New("no program; mend: linux/amd64=PROGRAM")
	}
	a := about{*version, *revision, time.Unix(*created, 0).UTC()}
	l := newArchive()
	base, err := baseLayer()
	if err != nil {
		return err
	}
	var images []descriptor
	for _, arg := range fs.Args() {
		d, err := addImage(l, arg, base, a)
		if err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
		images = append(images, d)
	}
	if err := l.finish(images, a); err != nil {
		return err
	}
	return writeFile(*out, l)
}

// addImage adds the image of one PLATFORM=PROGRAM.
func addImage(l *archive, arg string, base layer, a about) (descriptor, error) {
	name, path, ok := strings.Cut(arg, "=")
	system, arch, slash := strings.Cut(name, "/")
	if !ok || !slash {
		return descriptor{}, errors.New("not PLATFORM=PROGRAM; mend: linux/amd64=PROGRAM")
	}
	program, err := readProgram(path, arch)
	if err != nil {
		return descriptor{}, err
	}
	top, err := programLayer(program)
	if err != nil {
		return descriptor{}, err
	}
	return l.image(platform{Architecture: arch, OS: system}, []layer{base, top}, a)
}

// writeFile replaces path when all is written.
func writeFile(path string, l *archive) error {
	tmp := path + ".new"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	err = errors.Join(l.write(f), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}
