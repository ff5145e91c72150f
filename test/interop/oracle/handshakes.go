package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"sync"

	"golang.org/x/crypto/curve25519"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cryptoenc "github.com/cometbft/cometbft/crypto/encoding"
	"github.com/cometbft/cometbft/libs/protoio"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

type partyRecord struct {
	Seed            hexBytes   `json:"seed"`
	PublicKey       hexBytes   `json:"publicKey"`
	NodeID          string     `json:"nodeId"`
	EphemeralSecret hexBytes   `json:"ephemeralSecret"`
	EphemeralPublic hexBytes   `json:"ephemeralPublic"`
	Sent            []hexBytes `json:"sent"` // what it wrote after the handshake, one entry a write
	Wire            hexBytes   `json:"wire"` // every byte it put on the wire, from the first
}

// handshakeRecord is one whole connection between two parties that both run CometBFT's MakeSecretConnection.
// The padding of CometBFT's frames is what the frame before left there: decrypt them, do not compare them
// with frames padded by zeros (the first of each party, the authentication, has zeros).
type handshakeRecord struct {
	Kind  string      `json:"kind"` // "handshake"
	Alice partyRecord `json:"alice"`
	Bob   partyRecord `json:"bob"`
}

// knownEphemerals stands in for the system's randomness while a handshake runs, so that the ephemeral
// secrets, which CometBFT makes and forgets, are known.
type knownEphemerals struct {
	random *source
	mutex  sync.Mutex
	drawn  chan []byte
}

func (k *knownEphemerals) Read(out []byte) (int, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	secret := k.random.bytes(len(out))
	copy(out, secret)
	k.drawn <- secret
	return len(out), nil
}

// recorder keeps what is written through it. net.Pipe has no buffer, so each write is read at once.
type recorder struct {
	net.Conn
	wire bytes.Buffer
}

func (r *recorder) Write(data []byte) (int, error) {
	r.wire.Write(data)
	return r.Conn.Write(data)
}

type handshakeResult struct {
	conn *conn.SecretConnection
	err  error
}

func handshakeCase(s *source) any {
	system := rand.Reader
	ephemerals := &knownEphemerals{random: s, drawn: make(chan []byte, 1)}
	rand.Reader = ephemerals
	defer func() { rand.Reader = system }()

	aliceEnd, bobEnd := net.Pipe()
	aliceWire, bobWire := &recorder{Conn: aliceEnd}, &recorder{Conn: bobEnd}
	aliceSeed, bobSeed := s.bytes(32), s.bytes(32)
	start := func(wire *recorder, seed []byte) (secret []byte, done chan handshakeResult) {
		done = make(chan handshakeResult, 1)
		go func() {
			made, err := conn.MakeSecretConnection(wire, privateKeyFromSeed(seed))
			done <- handshakeResult{made, err}
		}()
		// Only when one party has drawn does the other start: the same seed gives the same case.
		return <-ephemerals.drawn, done
	}
	aliceSecret, aliceDone := start(aliceWire, aliceSeed)
	bobSecret, bobDone := start(bobWire, bobSeed)
	alice, bob := <-aliceDone, <-bobDone
	if err := errors.Join(alice.err, bob.err); err != nil {
		panic(err)
	}
	checkAuthFrame(aliceSeed, aliceSecret, aliceWire, bobWire)
	checkAuthFrame(bobSeed, bobSecret, bobWire, aliceWire)
	aliceSent := converse(s, alice.conn, bob.conn)
	bobSent := converse(s, bob.conn, alice.conn)
	_ = aliceEnd.Close()
	return handshakeRecord{
		"handshake",
		recordOf(aliceSeed, aliceSecret, aliceSent, aliceWire),
		recordOf(bobSeed, bobSecret, bobSent, bobWire),
	}
}

// checkAuthFrame derives what CometBFT must have derived and compares the first frame that it sealed.
func checkAuthFrame(seed, ephemeral []byte, own, peer *recorder) {
	secrets := deriveSecrets(ephemeral, peer.wire.Bytes()[3:35])
	frame := sealFrame(secrets.SendKey, 0, authMessage(privateKeyFromSeed(seed), secrets.Challenge))
	if !bytes.Equal(own.wire.Bytes()[35:], frame) {
		panic("the secrets derived here are not those of CometBFT")
	}
}

// converse writes some messages and checks that the other side reads them.
func converse(s *source, from, to *conn.SecretConnection) []hexBytes {
	sent := []hexBytes{}
	for range s.IntN(3) {
		data := s.bytes(max(1, s.length(2500)))
		read := make(chan error, 1)
		got := make([]byte, len(data))
		go func() {
			_, err := io.ReadFull(to, got)
			read <- err
		}()
		must(from.Write(data))
		if err := <-read; err != nil || !bytes.Equal(got, data) {
			panic("CometBFT did not read what it wrote")
		}
		sent = append(sent, data)
	}
	return sent
}

func recordOf(seed, ephemeral []byte, sent []hexBytes, wire *recorder) partyRecord {
	public := privateKeyFromSeed(seed).PubKey()
	ephemeralPublic := must(curve25519.X25519(ephemeral, curve25519.Basepoint))
	if !bytes.Equal(wire.wire.Bytes()[3:35], ephemeralPublic) {
		panic("the ephemeral key on the wire is not the one that was drawn")
	}
	return partyRecord{
		seed, public.Bytes(), string(p2p.PubKeyToID(public)), ephemeral, ephemeralPublic, sent, wire.wire.Bytes(),
	}
}

// authMessage is the first message in a SecretConnection, with its length before it.
func authMessage(private ed25519.PrivKey, challenge []byte) []byte {
	return must(protoio.MarshalDelimited(&tmp2p.AuthSigMessage{
		PubKey: must(cryptoenc.PubKeyToProto(private.PubKey())), Sig: must(private.Sign(challenge)),
	}))
}

func unhex(text string) []byte { return must(hex.DecodeString(text)) }

// fill returns 32 bytes: first, thirty times ff, last.
func fill(first, last byte) []byte {
	out := bytes.Repeat([]byte{0xff}, 32)
	out[0], out[31] = first, last
	return out
}
