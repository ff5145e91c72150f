package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	gogotypes "github.com/cosmos/gogoproto/types"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/protoio"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
)

// maxLiveMessage bounds what either side sends in one message of the live exchange.
const maxLiveMessage = 1 << 20

type liveEvent struct {
	Event     string `json:"event"` // "listening", "connection" or "failure"
	Address   string `json:"address,omitempty"`
	PublicKey string `json:"publicKey,omitempty"` // ours when listening, else the peer's
	NodeID    string `json:"nodeId,omitempty"`
	Index     int    `json:"index"`
	Sent      int    `json:"sent"`            // messages of ours that came back unchanged
	Echoed    int    `json:"echoed"`          // messages of the peer that we sent back
	Bytes     int    `json:"bytes"`           // in both directions
	Stage     string `json:"stage,omitempty"` // of a failure: handshake, identity, sending or echoing
	Error     string `json:"error,omitempty"`
}

type liveOptions struct {
	listen, dial, expect string
	connections, rounds  int
	seed                 uint64
	timeout              time.Duration
}

// secretConn holds real SecretConnections with a peer, one after another, and reports each.
func secretConn(args []string, out io.Writer) error {
	var options liveOptions
	flags := flag.NewFlagSet("oracle secret-conn", flag.ContinueOnError)
	flags.StringVar(&options.listen, "listen", "", "host:port to accept connections on; port 0 picks one")
	flags.StringVar(&options.dial, "dial", "", "host:port to connect to instead")
	flags.StringVar(&options.expect, "expect", "", "the node id that the peer must prove (any, if empty)")
	flags.IntVar(&options.connections, "connections", 1, "how many connections, then exit")
	flags.IntVar(&options.rounds, "rounds", 20, "messages of ours per connection")
	flags.Uint64Var(&options.seed, "seed", 1, "of our identity and of the lengths of messages")
	flags.DurationVar(&options.timeout, "timeout", 20*time.Second, "for one whole connection, and for the wait for it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if (options.listen == "") == (options.dial == "") {
		return errors.New("want one of -listen and -dial")
	}

	random := newSource(options.seed)
	identity := privateKeyFromSeed(random.bytes(32))
	events := json.NewEncoder(out)
	next := func() (net.Conn, error) { return net.DialTimeout("tcp", options.dial, options.timeout) }
	if options.listen != "" {
		listener, err := net.Listen("tcp", options.listen)
		if err != nil {
			return err
		}
		defer listener.Close()
		next = func() (net.Conn, error) {
			// Nobody comes any more when the test that started this has ended.
			if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(options.timeout)); err != nil {
				return nil, err
			}
			return listener.Accept()
		}
		if err := events.Encode(liveEvent{
			Event: "listening", Address: listener.Addr().String(),
			PublicKey: hex.EncodeToString(identity.PubKey().Bytes()), NodeID: string(p2p.PubKeyToID(identity.PubKey())),
		}); err != nil {
			return err
		}
	}
	for index := range options.connections {
		raw, err := next()
		if err != nil {
			return err
		}
		event := liveEvent{Event: "connection", Index: index}
		if err := converseLive(raw, identity, random, options, &event); err != nil {
			event.Event, event.Error = "failure", err.Error()
		}
		_ = raw.Close()
		if err := events.Encode(event); err != nil {
			return err
		}
	}
	return nil
}

// converseLive makes the handshake, sends messages that the peer has to echo, then echoes the peer's until
// an empty one ends the connection.
func converseLive(raw net.Conn, identity ed25519.PrivKey, random *source, options liveOptions, event *liveEvent) error {
	if err := raw.SetDeadline(time.Now().Add(options.timeout)); err != nil {
		return err
	}
	event.Stage = "handshake"
	secret, err := conn.MakeSecretConnection(raw, identity)
	if err != nil {
		return err
	}
	peer := p2p.PubKeyToID(secret.RemotePubKey())
	event.PublicKey, event.NodeID = hex.EncodeToString(secret.RemotePubKey().Bytes()), string(peer)
	event.Stage = "identity"
	if options.expect != "" && options.expect != string(peer) {
		return fmt.Errorf("the peer proved to be %s, not %s", peer, options.expect)
	}
	reader := protoio.NewDelimitedReader(secret, maxLiveMessage)

	event.Stage = "sending"
	for range options.rounds {
		message := &gogotypes.BytesValue{Value: random.bytes(1 + random.length(10_000))}
		pieces := random.Uint64()
		written := make(chan error, 1)
		go func() { written <- writeInPieces(pieces, secret, must(protoio.MarshalDelimited(message))) }()
		var echo gogotypes.BytesValue
		_, readErr := reader.ReadMsg(&echo)
		if err := errors.Join(<-written, readErr); err != nil {
			return err
		}
		if !bytes.Equal(echo.Value, message.Value) {
			return errors.New("the echo differs from what was sent")
		}
		event.Sent++
		event.Bytes += 2 * len(message.Value)
	}

	event.Stage = "echoing"
	for {
		var message gogotypes.BytesValue
		if _, err := reader.ReadMsg(&message); err != nil {
			return err
		}
		if len(message.Value) == 0 {
			event.Stage = ""
			return nil
		}
		if _, err := protoio.NewDelimitedWriter(secret).WriteMsg(&message); err != nil {
			return err
		}
		event.Echoed++
		event.Bytes += 2 * len(message.Value)
	}
}

// writeInPieces cuts the bytes at random places, and so into frames of random length.
func writeInPieces(seed uint64, to io.Writer, data []byte) error {
	random := rand.New(rand.NewPCG(seed, 0))
	for len(data) > 0 {
		n := min(len(data), 1+random.IntN(3000))
		if _, err := to.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
