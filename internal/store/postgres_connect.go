package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	schemaName     = "cloister"
	connectTimeout = 5 * time.Second
	// minServer is PostgreSQL 13, the oldest that is maintained in any
	// distribution we know; as server_version_num.
	minServer = 130000
)

// Postgres says how the shared database is reached. Nothing is taken from the
// environment (PGHOST, PGPASSWORD …) nor from files in the home directory.
type Postgres struct {
	// Host is a name or address, which Dial gets unchanged, or the directory of
	// a Unix socket.
	Host string
	// Port; 0: 5432.
	Port           int
	Database, User string
	// Password is asked for each connection; nil: none.
	Password func(context.Context) (string, error)
	// TLS; nil: none, and then no password is sent that could be read.
	TLS *tls.Config
	// Dial opens every connection; required.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// config is made for pgx. It can only be had by parsing, so everything that
// parsing takes from the environment is set or taken away.
func (c *Postgres) config() (*pgx.ConnConfig, error) {
	port := c.Port
	if port == 0 {
		port = 5432
	}
	switch {
	case c.Dial == nil:
		return nil, errors.New("nothing to dial with")
	case c.Host == "" || c.Database == "" || c.User == "":
		return nil, errors.New("host, database and user are needed")
	case port < 0 || port > 65535:
		return nil, fmt.Errorf("port %d does not exist", port)
	}
	config, err := pgx.ParseConfig("host=localhost port=5432 user=x dbname=x password=x sslmode=disable connect_timeout=5 " +
		"sslcertmode=disable target_session_attrs=any passfile=/dev/null sslrootcert='' sslcert='' sslkey='' sslnegotiation=postgres channel_binding=prefer require_auth=''")
	if err != nil {
		return nil, fmt.Errorf("the environment's PG variables get in the way: %w", err)
	}
	config.Host, config.Port, config.Database, config.User, config.Password = c.Host, uint16(port), c.Database, c.User, ""
	config.TLSConfig, config.Fallbacks, config.ValidateConnect = c.TLS, nil, nil
	config.SSLCertMode, config.SSLNegotiation = "allow", "postgres"
	config.KerberosSrvName, config.KerberosSpn = "", ""
	config.ConnectTimeout = connectTimeout
	if c.TLS == nil {
		config.RequireAuth = "scram-sha-256,none"
	} else if c.TLS.ServerName == "" && !c.TLS.InsecureSkipVerify {
		config.TLSConfig = c.TLS.Clone()
		config.TLSConfig.ServerName = c.Host
	}
	config.RuntimeParams = map[string]string{
		"application_name": "cloister", "search_path": schemaName, "timezone": "UTC", "client_encoding": "UTF8",
		"statement_timeout": "5000", "lock_timeout": "5000", "idle_in_transaction_session_timeout": "15000",
	}
	network, addr := "tcp", net.JoinHostPort(c.Host, strconv.Itoa(port))
	if strings.HasPrefix(c.Host, "/") {
		network, addr = "unix", path.Join(c.Host, ".s.PGSQL."+strconv.Itoa(port))
	}
	// Requests to cancel go to the address of the connection; they too have to
	// go by the name that is declared.
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return c.Dial(ctx, network, addr) }
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	return config, nil
}

// prepare gives one connection its password.
func (p *shared) prepare(ctx context.Context, config *pgx.ConnConfig) error {
	if p.password == nil {
		return nil
	}
	password, err := p.password(ctx)
	if err != nil {
		return &Error{Dir: p.dir, Database: p.place(), Reason: "its password cannot be had: " + err.Error(), Err: err}
	}
	config.Password = password
	return nil
}

// connect is a connection beside the pool.
func (p *shared) connect(ctx context.Context) (*pgx.Conn, error) {
	config := p.config.Copy()
	if err := p.prepare(ctx, config); err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}

// inspect refuses a server that does not keep what it acknowledges. It looks
// at every connection: the settings can be changed while the server runs.
func (p *shared) inspect(ctx context.Context, conn *pgx.Conn) error {
	var fsync, commit, pages string
	var version int
	var standby bool
	err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit'),
current_setting('full_page_writes'), current_setting('server_version_num')::int, pg_is_in_recovery()`).
		Scan(&fsync, &commit, &pages, &version, &standby)
	if err != nil {
		return err
	}
	refuse := func(reason, mend string) error {
		return &Error{Dir: p.dir, Database: p.place(), Reason: reason, Mend: mend}
	}
	switch {
	case version < minServer:
		return refuse(fmt.Sprintf("its server is version %d.%d", version/10000, version%10000), "use PostgreSQL 13 or later")
	case standby:
		return refuse("its server is a read-only copy", "name the primary server")
	}
	for _, s := range []struct{ name, value string }{
		{"fsync", fsync}, {"synchronous_commit", commit}, {"full_page_writes", pages},
	} {
		if s.value == "off" {
			return refuse("its server runs with "+s.name+" = off, and would lose what it has acknowledged",
				"set "+s.name+" = on in postgresql.conf, for the database and for the role")
		}
	}
	return nil
}
