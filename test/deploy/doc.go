// Package deploy tests what deploy/ holds, and that the program runs as it says
// there: under a service manager's sockets, from the image, with the units and
// manifests as they are.
package deploy
