package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/hkdf"
)

// CometBFT keeps the derivation and the framing of its SecretConnection to itself. These two kinds run the
// same libraries in the same order on inputs of our choice. The kind "handshakes" runs CometBFT's own code, and
// the oracle stops if the two do not agree there.

type secretsCase struct {
	Kind            string   `json:"kind"` // "secrets"
	LocalSecret     hexBytes `json:"localSecret"`
	LocalPublic     hexBytes `json:"localPublic"`
	RemotePublic    hexBytes `json:"remotePublic"`
	SharedSecret    hexBytes `json:"sharedSecret"` // null when X25519 refuses a point of low order
	LocalIsLower    bool     `json:"localIsLower"`
	ReceiveKey      hexBytes `json:"receiveKey"`
	SendKey         hexBytes `json:"sendKey"`
	Challenge       hexBytes `json:"challenge"`
	AuthMessageSeed hexBytes `json:"authMessageSeed"`
	AuthMessage     hexBytes `json:"authMessage"` // length-delimited, by a key of that seed
}

// lowOrder lists encodings of points whose product with any scalar is zero.
var lowOrder = [][]byte{
	make([]byte, 32),
	append([]byte{1}, make([]byte, 31)...),
	fill(0xec, 0x7f), fill(0xed, 0x7f), fill(0xee, 0x7f),
	unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
	unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
}

func secretCase(s *source) any {
	local, remote := s.bytes(32), s.bytes(32)
	remotePublic := must(curve25519.X25519(remote, curve25519.Basepoint))
	if s.chance(50) {
		remotePublic = lowOrder[s.IntN(len(lowOrder))]
	}
	out := deriveSecrets(local, remotePublic)
	out.AuthMessageSeed = s.bytes(32)
	if out.Challenge != nil {
		out.AuthMessage = authMessage(privateKeyFromSeed(out.AuthMessageSeed), out.Challenge)
	}
	return out
}

func deriveSecrets(local, remotePublic []byte) secretsCase {
	localPublic := must(curve25519.X25519(local, curve25519.Basepoint))
	out := secretsCase{
		Kind: "secrets", LocalSecret: local, LocalPublic: localPublic, RemotePublic: remotePublic,
		LocalIsLower: bytes.Compare(localPublic, remotePublic) < 0,
	}
	shared, err := curve25519.X25519(local, remotePublic)
	if err != nil {
		return out
	}
	lower, upper := localPublic, remotePublic
	if !out.LocalIsLower {
		lower, upper = upper, lower
	}
	transcript := merlin.NewTranscript("TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH")
	transcript.AppendMessage("EPHEMERAL_LOWER_PUBLIC_KEY", lower)
	transcript.AppendMessage("EPHEMERAL_UPPER_PUBLIC_KEY", upper)
	transcript.AppendMessage("DH_SECRET", shared)
	challenge := make([]byte, 32)
	transcript.ExtractBytes(challenge, "SECRET_CONNECTION_MAC")

	info := []byte("TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN")
	keys := make([]byte, 64)
	must(io.ReadFull(hkdf.New(sha256.New, shared, nil, info), keys))
	out.SharedSecret, out.Challenge = shared, challenge
	out.ReceiveKey, out.SendKey = keys[:32], keys[32:]
	if !out.LocalIsLower {
		out.ReceiveKey, out.SendKey = out.SendKey, out.ReceiveKey
	}
	return out
}

// sealFrame seals one frame with zeros after the data.
func sealFrame(key []byte, counter uint64, data []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSize)
	binary.LittleEndian.PutUint64(nonce[4:], counter)
	plain := make([]byte, 1028)
	binary.LittleEndian.PutUint32(plain, uint32(len(data)))
	copy(plain[4:], data)
	return must(chacha20poly1305.New(key)).Seal(nil, nonce, plain, nil)
}

type sealedFrameCase struct {
	Kind    string   `json:"kind"` // "frame"
	Key     hexBytes `json:"key"`
	Counter string   `json:"counter"` // frames sealed with this key before, decimal
	Data    hexBytes `json:"data"`
	Sealed  hexBytes `json:"sealed"`
}

func frameCase(s *source) any {
	key := s.bytes(chacha20poly1305.KeySize)
	counter := pick[uint64](s, 0, 1, 255, 256, s.Uint64()>>s.IntN(64), math.MaxUint32, math.MaxUint32+1, math.MaxUint64-1)
	data := s.bytes(max(1, s.length(1024)))
	return sealedFrameCase{"frame", key, strconv.FormatUint(counter, 10), data, sealFrame(key, counter, data)}
}
