package xml

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Load and Save by the names of files. An expression has no files: every name is
// one that does not exist, in a directory that does not exist unless it is the
// root.

func load(c *clr.Call) clr.Value {
	name := c.Text(0, "inputUri")
	if name == "" {
		c.Throw(clr.ArgumentException, "The string was not recognized as a valid Uri.\nParameter name: inputUri")
	}
	if strings.LastIndexByte(name, '/') > 0 {
		c.Throw(clr.DirectoryNotFoundException, "Could not find a part of the path \""+name+"\".")
	}
	c.Throw(clr.FileNotFoundException, "Could not find file \""+name+"\"")
	return clr.Null
}

func save(c *clr.Call) clr.Value {
	name := c.Text(1, "outputFileName")
	if name == "" {
		c.ThrowArgument("Path is empty", "")
	}
	c.Throw(clr.DirectoryNotFoundException, "Could not find a part of the path \""+name+"\".")
	return clr.Null
}

func fileMembers() funcs {
	return funcs{
		elementKey + ".Load(string)":                  load,
		elementKey + ".Load(string, LoadOptions)":     load,
		elementKey + ".Save(string)":                  save,
		elementKey + ".Save(string, SaveOptions)":     save,
		linq + ".XDocument.Save(string)":              save,
		linq + ".XDocument.Save(string, SaveOptions)": save,
	}
}
