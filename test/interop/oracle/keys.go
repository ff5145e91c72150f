package main

import (
	"bytes"
	stded25519 "crypto/ed25519"
	"crypto/sha512"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

type keyJSONCase struct {
	Kind       string   `json:"kind"` // "key"
	Seed       hexBytes `json:"seed"`
	PrivateKey hexBytes `json:"privateKey"`
	PublicKey  hexBytes `json:"publicKey"`
	Address    string   `json:"address"`
	NodeID     string   `json:"nodeId"`
	// Files as CometBFT writes them, and the public key as its commands print it.
	PublicKeyJSON string   `json:"publicKeyJson"`
	NodeKeyFile   string   `json:"nodeKeyFile"`
	KeyFile       string   `json:"keyFile"`
	StateFile     string   `json:"stateFile"`
	Message       hexBytes `json:"message"`
	Signature     hexBytes `json:"signature"`
}

func privateKeyFromSeed(seed []byte) ed25519.PrivKey {
	return ed25519.PrivKey(stded25519.NewKeyFromSeed(seed))
}

func keyCase(s *source) any {
	seed := s.bytes(32)
	private := privateKeyFromSeed(seed)
	public := private.PubKey()
	message := s.bytes(s.length(300))

	state := privval.FilePVLastSignState{
		Height: s.Int64() >> s.IntN(63), Round: s.Int32() >> s.IntN(31), Step: pick[int8](s, 0, 1, 2, 3),
	}
	if state.Step != 0 {
		state.Signature, state.SignBytes = s.bytes(64), s.bytes(s.length(130))
	}
	return keyJSONCase{
		Kind: "key", Seed: seed, PrivateKey: private.Bytes(), PublicKey: public.Bytes(),
		Address: public.Address().String(), NodeID: string(p2p.PubKeyToID(public)),
		PublicKeyJSON: string(must(cmtjson.Marshal(public))),
		NodeKeyFile:   string(must(cmtjson.Marshal(&p2p.NodeKey{PrivKey: private}))),
		KeyFile: string(must(cmtjson.MarshalIndent(
			privval.FilePVKey{Address: public.Address(), PubKey: public, PrivKey: private}, "", "  "))),
		StateFile: string(must(cmtjson.MarshalIndent(state, "", "  "))),
		Message:   message, Signature: must(private.Sign(message)),
	}
}

type signatureVerdictCase struct {
	Kind      string   `json:"kind"` // "signature"
	How       string   `json:"how"`  // what was done to it, for the failure's message
	PublicKey hexBytes `json:"publicKey"`
	Message   hexBytes `json:"message"`
	Signature hexBytes `json:"signature"`
	// Valid is CometBFT's verdict (ZIP-215).
	Valid bool `json:"valid"`
	// Strict is that of Go's own crypto/ed25519, which Tendermint verified with before ZIP-215.
	Strict bool `json:"strict"`
}

func signatureCase(s *source) any {
	how, public, message, signature := mangled(s)
	strict := len(signature) == stded25519.SignatureSize && stded25519.Verify(public, message, signature)
	return signatureVerdictCase{
		"signature", how, public, message, signature,
		ed25519.PubKey(public).VerifySignature(message, signature), strict,
	}
}

// mangled makes a signature that is good, broken, or on the edge where verifiers differ.
func mangled(s *source) (how string, public, message, signature []byte) {
	private := privateKeyFromSeed(s.bytes(32))
	public = append([]byte{}, private.PubKey().Bytes()...)
	message = s.bytes(s.length(200))
	signature = must(private.Sign(message))
	flip := func(b []byte) { b[s.IntN(len(b))] ^= 1 << s.IntN(8) }
	switch s.IntN(12) {
	case 0, 1:
		return "untouched", public, message, signature
	case 2:
		flip(signature)
		return "signature bit", public, message, signature
	case 3:
		flip(public)
		return "key bit", public, message, signature
	case 4:
		if len(message) == 0 {
			return "message added", public, []byte{0}, signature
		}
		flip(message)
		return "message bit", public, message, signature
	case 5:
		addGroupOrder(signature[32:])
		return "S plus L", public, message, signature
	case 6:
		cut := pick(s, s.bytes(0), signature[:63], append(append([]byte{}, signature...), 0), s.bytes(96))
		return "signature length", public, message, cut
	case 7:
		return "small orders, S zero", s.smallOrder(), message, append(append([]byte{}, s.smallOrder()...), make([]byte, 32)...)
	case 8:
		return "random point", s.bytes(32), message, signature
	case 9:
		copy(signature[:32], s.bytes(32))
		return "random R", public, message, signature
	case 10:
		copy(signature[:32], s.smallOrder())
		return "small-order R", public, message, signature
	default:
		public, signature = signWithTorsion(s, message)
		return "torsion added", public, message, signature
	}
}

// groupOrder is L, little-endian.
var groupOrder = [32]byte{
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	31: 0x10,
}

func addGroupOrder(scalarBytes []byte) {
	carry := 0
	for i := range scalarBytes {
		carry += int(scalarBytes[i]) + int(groupOrder[i])
		scalarBytes[i] = byte(carry)
		carry >>= 8
	}
}

// nonCanonical lists the 6 encodings of points of small order that a strict decoder refuses: the first and
// the last byte, with the 30 bytes between them all equal to the middle one.
var nonCanonical = [][3]byte{
	{0x01, 0x00, 0x80}, {0xec, 0xff, 0xff}, // y = 1 and y = -1, with a sign that x = 0 does not have
	{0xed, 0xff, 0x7f}, {0xed, 0xff, 0xff}, // y = p, which is 0
	{0xee, 0xff, 0x7f}, {0xee, 0xff, 0xff}, // y = p + 1, which is 1
}

// smallOrder returns one of the 14 encodings of the 8 points of small order.
func (s *source) smallOrder() []byte {
	which := s.IntN(14)
	if which < 8 {
		return compressed(curve.EIGHT_TORSION[which])
	}
	form := nonCanonical[which-8]
	out := bytes.Repeat([]byte{form[1]}, 32)
	out[0], out[31] = form[0], form[2]
	return out
}

// signWithTorsion signs with a key and a nonce that each have a component of small order: good for a
// verifier that multiplies by the cofactor, bad (mostly) for one that does not.
func signWithTorsion(s *source, message []byte) (public, signature []byte) {
	point := func(k *scalar.Scalar) []byte {
		p := curve.NewEdwardsPoint().MulBasepoint(curve.ED25519_BASEPOINT_TABLE, k)
		return compressed(p.Add(p, curve.EIGHT_TORSION[s.IntN(8)]))
	}
	private := must(scalar.New().SetBytesModOrderWide(s.bytes(64)))
	nonce := must(scalar.New().SetBytesModOrderWide(s.bytes(64)))
	public, r := point(private), point(nonce)

	hash := sha512.Sum512(append(append(append([]byte{}, r...), public...), message...))
	challenge := must(scalar.New().SetBytesModOrderWide(hash[:]))
	answer := scalar.New().Mul(challenge, private)
	answer.Add(answer, nonce)
	return public, append(r, must(answer.MarshalBinary())...)
}

func compressed(point *curve.EdwardsPoint) []byte {
	return must(point.MarshalBinary())
}
