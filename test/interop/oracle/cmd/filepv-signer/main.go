// Command filepv-signer is CometBFT's own remote signer: its SignerServer with a FilePV behind it. It is
// the foreign signer that our node side has to work with, and the other signer in the benchmark.
//
// One process serves as many validators as there are -addr flags; -chain-id, -key and -state are given as
// often, in the same order. A key file that does not exist is made. When all of them are set up it prints one
// JSON line per validator, {"addr","chainId","pubKey"}, and then serves until SIGINT or SIGTERM.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/libs/log"
	cmtnet "github.com/cometbft/cometbft/libs/net"
	cmtos "github.com/cometbft/cometbft/libs/os"
	"github.com/cometbft/cometbft/privval"
)

const (
	// CometBFT's default of 10 dials 100 ms apart gives up after a second; this outlasts any test.
	dialRetries = 1_000_000
	dialWait    = 50 * time.Millisecond
	// The time-out of one handshake, read or write. A signer that hears nothing for longer drops the
	// connection and dials again; a node pings every 3.3 s.
	dialTimeout = 5 * time.Second
)

type list []string

func (l *list) String() string { return strings.Join(*l, ",") }
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "filepv-signer: %v\n", err)
		os.Exit(1)
	}
}

// loadOrMake is LoadOrGenFilePV, which ends the process when there is a key without a state, and makes that state.
func loadOrMake(key, state string) *privval.FilePV {
	if cmtos.FileExists(key) && !cmtos.FileExists(state) {
		pv := privval.LoadFilePVEmptyState(key, state)
		pv.Save()
		return pv
	}
	return privval.LoadOrGenFilePV(key, state)
}

func run() error {
	var addresses, chainIDs, keys, states list
	flag.Var(&addresses, "addr", "where the node listens, tcp://host:port or unix://path (repeatable)")
	flag.Var(&chainIDs, "chain-id", "chain id (once per -addr)")
	flag.Var(&keys, "key", "priv_validator_key.json, made if absent (once per -addr)")
	flag.Var(&states, "state", "priv_validator_state.json, made if absent (once per -addr)")
	verbose := flag.Bool("verbose", false, "log to standard error what CometBFT logs")
	flag.Parse()

	n := len(addresses)
	if n == 0 || len(chainIDs) != n || len(keys) != n || len(states) != n {
		return errors.New("want -addr, -chain-id, -key and -state, each as often as the others")
	}
	logger := log.NewNopLogger()
	if *verbose {
		logger = log.NewTMLogger(log.NewSyncWriter(os.Stderr))
	}
	// The identity in the SecretConnection; nodes do not look at it.
	identity := ed25519.GenPrivKey()

	servers := make([]*privval.SignerServer, n)
	lines := json.NewEncoder(os.Stdout)
	for i, address := range addresses {
		protocol, path := cmtnet.ProtocolAndAddress(address)
		var dialer privval.SocketDialer
		switch protocol {
		case "tcp":
			dialer = privval.DialTCPFn(path, dialTimeout, identity)
		case "unix":
			dialer = privval.DialUnixFn(path)
		default:
			return fmt.Errorf("%q is neither tcp:// nor unix://", address)
		}
		pv := loadOrMake(keys[i], states[i])
		endpoint := privval.NewSignerDialerEndpoint(logger, dialer,
			privval.SignerDialerEndpointTimeoutReadWrite(dialTimeout),
			privval.SignerDialerEndpointConnRetries(dialRetries),
			privval.SignerDialerEndpointRetryWaitInterval(dialWait))
		servers[i] = privval.NewSignerServer(endpoint, chainIDs[i], pv)

		pubKey, err := cmtjson.Marshal(pv.Key.PubKey)
		if err != nil {
			return err
		}
		if err := lines.Encode(struct {
			Addr    string          `json:"addr"`
			ChainID string          `json:"chainId"`
			PubKey  json.RawMessage `json:"pubKey"`
		}{address, chainIDs[i], pubKey}); err != nil {
			return err
		}
	}
	for _, server := range servers {
		if err := server.Start(); err != nil {
			return err
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	return nil
}
