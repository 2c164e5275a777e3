package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxRequest bounds what one side may send before the other has understood it.
const maxRequest = 8 << 20

// maxFiles is how many open files come with a message at most.
const maxFiles = 8

// wire carries lines of JSON, and open files with them, over a Unix socket.
type wire struct {
	conn *net.UnixConn
	dec  *json.Decoder
	left int // bytes until it is too much

	sending sync.Mutex

	files []*os.File // that came and were not taken
}

func newWire(c *net.UnixConn) *wire {
	w := &wire{conn: c, left: maxRequest}
	w.dec = json.NewDecoder(readerFunc(w.read))
	return w
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// read keeps the files that come with the bytes.
func (w *wire) read(p []byte) (int, error) {
	if w.left <= 0 {
		return 0, errors.New("the message is too long")
	}
	oob := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, on, _, _, err := w.conn.ReadMsgUnix(p, oob)
	n = max(n, 0) // -1 with an error
	if on > 0 {
		w.keep(oob[:on])
	}
	w.left -= n
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (w *wire) keep(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			w.files = append(w.files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	for len(w.files) > maxFiles {
		w.files[0].Close()
		w.files = w.files[1:]
	}
}

// receive reads the next message. Files that came before it are kept.
func (w *wire) receive(v any) error { return w.dec.Decode(v) }

// understood lets the other side go on sending.
func (w *wire) understood() { w.left = maxRequest }

// take hands over n files; the caller closes them.
func (w *wire) take(n int) ([]*os.File, error) {
	if len(w.files) < n {
		return nil, fmt.Errorf("%d open files came where %d should have", len(w.files), n)
	}
	out := w.files[:n]
	w.files = w.files[n:]
	return out, nil
}

// send writes a message. The files stay the caller's.
func (w *wire) send(v any, files ...*os.File) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	w.sending.Lock()
	defer w.sending.Unlock()
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		oob = unix.UnixRights(fds...)
	}
	n, _, err := w.conn.WriteMsgUnix(text, oob, nil)
	if err == nil && n < len(text) {
		_, err = w.conn.Write(text[n:])
	}
	return err
}

// close closes the connection and what came over it.
func (w *wire) close() {
	for _, f := range w.files {
		f.Close()
	}
	w.files = nil
	w.conn.Close()
}

// unixConn takes over a socket that was inherited.
func unixConn(f *os.File) (*net.UnixConn, error) {
	c, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("it is no Unix socket")
	}
	return u, nil
}

// socketPair are two ends of a Unix socket: one for this process, one to hand
// on.
func socketPair() (*wire, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "lab"), os.NewFile(uintptr(fds[1]), "lab")
	c, err := unixConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return newWire(c), theirs, nil
}
