package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// notifier tells a service manager how the process is, by systemd's protocol
// (sd_notify(3)): datagrams to the Unix socket that NOTIFY_SOCKET names. The
// zero value tells nobody.
type notifier struct {
	socket string
	log    *slog.Logger
}

func newNotifier(env *Env, log *slog.Logger) notifier {
	socket, _ := env.LookupEnv("NOTIFY_SOCKET")
	return notifier{socket, log}
}

// notifyTimeout bounds one datagram: a manager that does not read stops
// nothing.
const notifyTimeout = 2 * time.Second

// send reports a state, such as "READY=1". That nobody could be told is logged
// and changes nothing else.
func (n notifier) send(state string) {
	if n.socket == "" {
		return
	}
	if err := n.write(state); err != nil {
		n.log.Warn("telling the service manager", "error", err)
	}
}

func (n notifier) write(state string) error {
	ctx, cancel := context.WithTimeout(context.Background(), notifyTimeout)
	defer cancel()
	// A name that begins with "@" is one of Linux's abstract sockets, for Go as
	// for systemd.
	conn, err := new(net.Dialer).DialContext(ctx, "unixgram", n.socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(notifyTimeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}

func (n notifier) ready()    { n.send("READY=1\nSTATUS=Serving.") }
func (n notifier) stopping() { n.send("STOPPING=1\nSTATUS=Draining.") }

// reloading needs the monotonic clock: by it the manager knows which reload
// the next READY=1 answers (Type=notify-reload).
func (n notifier) reloading() {
	now, err := monotonicMicroseconds()
	if err != nil {
		return
	}
	n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d\nSTATUS=Loading the site anew.", now))
}
