package cli

import (
	"embed"
	"io/fs"
	"path"
)

// apimTree is the API Management folder that new sites begin with: one API with
// both surfaces of Azure OpenAI's data plane, whose requests go to the backend
// azure-openai of cloister.yaml.
//
//go:embed apim
var apimTree embed.FS

// apimFiles are its files, by path within a site.
func apimFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(apimTree, "apim", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path.Clean(p)], err = apimTree.ReadFile(p)
		return err
	})
	return files, err
}
