package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
)

// source is a seeded random source that favours the edges, where encodings go wrong.
type source struct {
	*rand.Rand
	stream *rand.ChaCha8
}

func newSource(seed uint64) *source {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	stream := rand.NewChaCha8(key)
	return &source{Rand: rand.New(stream), stream: stream}
}

// bytes returns n random bytes; never nil.
func (s *source) bytes(n int) []byte {
	out := make([]byte, n)
	must(s.stream.Read(out))
	return out
}

// chance is true once in n.
func (s *source) chance(n int) bool { return s.IntN(n) == 0 }

func pick[T any](s *source, values ...T) T { return values[s.IntN(len(values))] }

func (s *source) int64() int64 {
	switch s.IntN(4) {
	case 0:
		return pick[int64](s, 0, 1, -1, 127, 128, math.MaxInt32, math.MaxInt32+1, math.MaxInt64, math.MinInt64,
			1<<53-1, 1<<53, 1<<53+1)
	case 1:
		return int64(s.Uint64())
	default:
		// A random number of bits, so that each varint length occurs.
		return int64(s.Uint64() >> (1 + s.IntN(63)))
	}
}

func (s *source) int32() int32 {
	switch s.IntN(4) {
	case 0:
		return pick[int32](s, 0, 1, -1, 127, 128, math.MaxInt32, math.MinInt32)
	case 1:
		return int32(s.Uint32())
	default:
		return int32(s.Uint32() >> (1 + s.IntN(31)))
	}
}

func (s *source) uint32() uint32 {
	if s.chance(4) {
		return pick[uint32](s, 0, 1, 127, 128, math.MaxInt32, math.MaxInt32+1, math.MaxUint32)
	}
	return s.Uint32() >> s.IntN(32)
}

// length returns a length up to max, with the limits of frames and varints more often than others.
func (s *source) length(max int) int {
	if s.chance(3) {
		if n := pick(s, 0, 1, 31, 32, 33, 127, 128, 1022, 1023, 1024, 1025, 1026, 2048, 2049); n <= max {
			return n
		}
	}
	return s.IntN(max + 1)
}

// text is valid UTF-8 of one to four bytes a character, with those that text code likes to change.
func (s *source) text(maxRunes int) string {
	alphabet := []rune("abcdefghijklmnopqrstuvwxyz0123456789-_./ÄßñЖ中文字🔑🜁\u0000\n\u007f\u00a0\u200d\ufeff\uffff\U0010ffff\"\\<>&e\u0301")
	var out strings.Builder
	for range s.IntN(maxRunes + 1) {
		out.WriteRune(pick(s, alphabet...))
	}
	return out.String()
}

func (s *source) chainID() string {
	switch s.IntN(6) {
	case 0:
		return ""
	case 1:
		return pick(s, "cosmoshub-4", "test-chain", "c", strings.Repeat("x", 50), strings.Repeat("y", 127), strings.Repeat("é", 64))
	default:
		return s.text(50)
	}
}
