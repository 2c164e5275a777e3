package lab

import (
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// children are the processes below process 1 of the lab's process namespace:
// those it started, of which somebody wants to hear, and orphans, which it
// buries.
type children struct {
	mu      sync.Mutex
	waiting map[int]chan unix.WaitStatus
}

// newChildren begins to reap. Nothing else in this process may wait for
// children: not os/exec, not os.Process.Wait.
func newChildren() *children {
	c := &children{waiting: map[int]chan unix.WaitStatus{}}
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	go func() { // for as long as the process lives
		for range died {
			c.reap()
		}
	}()
	return c
}

// start forks, and returns where the child's stops and its end are told.
func (c *children) start(fork func() (pid int, err error)) (int, <-chan unix.WaitStatus, error) {
	c.mu.Lock() // a child that ends at once is not reaped before it is known
	defer c.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return 0, nil, err
	}
	told := make(chan unix.WaitStatus, 16)
	c.waiting[pid] = told
	return pid, told, nil
}

func (c *children) reap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WUNTRACED, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		told := c.waiting[pid]
		if told == nil {
			continue
		}
		ended := status.Exited() || status.Signaled()
		if ended {
			delete(c.waiting, pid)
		} else if len(told) == cap(told)-1 {
			continue // the end has to have room
		}
		told <- status
		if ended {
			close(told)
		}
	}
}
