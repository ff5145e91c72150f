package main

import (
	"strconv"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// The inputs as they are written into a case: int64 as decimal text, bytes as hex.

type blockIDInput struct {
	Hash              hexBytes `json:"hash"`
	PartSetHeaderSize uint32   `json:"total"`
	PartSetHeaderHash hexBytes `json:"partsHash"`
}

type timestampInput struct {
	Seconds string `json:"seconds"`
	Nanos   int    `json:"nanos"`
}

type voteInput struct {
	Type               int32          `json:"type"`
	Height             string         `json:"height"`
	Round              int32          `json:"round"`
	BlockID            blockIDInput   `json:"blockId"`
	Timestamp          timestampInput `json:"timestamp"`
	ValidatorAddress   hexBytes       `json:"validatorAddress"`
	ValidatorIndex     int32          `json:"validatorIndex"`
	Signature          hexBytes       `json:"signature"`
	Extension          hexBytes       `json:"extension"`
	ExtensionSignature hexBytes       `json:"extensionSignature"`
}

type proposalInput struct {
	Type      int32          `json:"type"`
	Height    string         `json:"height"`
	Round     int32          `json:"round"`
	PolRound  int32          `json:"polRound"`
	BlockID   blockIDInput   `json:"blockId"`
	Timestamp timestampInput `json:"timestamp"`
	Signature hexBytes       `json:"signature"`
}

// Seconds of the first and of the first impossible protobuf timestamp.
const (
	year1Seconds     = -62135596800
	year10000Seconds = 253402300800
)

// shape says how far from what a node sends an input may be.
type shape int

const (
	// encodable inputs have a place in every field, whatever it means.
	encodable shape = iota
	// wild inputs also have hash lengths and times that CometBFT refuses.
	wild
)

func (s *source) blockID(kind shape) cmtproto.BlockID {
	id := cmtproto.BlockID{Hash: []byte{}, PartSetHeader: cmtproto.PartSetHeader{Hash: []byte{}}}
	hash := func() []byte {
		if kind == wild && s.chance(40) {
			return s.bytes(pick(s, 1, 20, 31, 33, 64))
		}
		return s.bytes(32)
	}
	switch s.IntN(10) {
	case 0, 1, 2: // nil
	case 3: // partial: some parts only, which is not nil
		if s.chance(2) {
			id.Hash = hash()
		}
		if s.chance(2) {
			id.PartSetHeader.Total = s.uint32()
		}
		if s.chance(2) {
			id.PartSetHeader.Hash = hash()
		}
	case 4: // zeros in place of a hash are not nil either
		id.Hash = make([]byte, 32)
		id.PartSetHeader = cmtproto.PartSetHeader{Total: s.uint32(), Hash: make([]byte, 32)}
	default:
		id.Hash = hash()
		id.PartSetHeader = cmtproto.PartSetHeader{Total: s.uint32(), Hash: hash()}
	}
	return id
}

func (s *source) time(kind shape) time.Time {
	var seconds int64
	switch s.IntN(8) {
	case 0:
		seconds = year1Seconds
	case 1:
		seconds = pick[int64](s, -1, 0, 1, year1Seconds+1, year10000Seconds-1, 127, 128, 1<<31-1, 1<<31)
	case 2:
		seconds = year1Seconds + s.Int64N(year10000Seconds-year1Seconds)
	case 3:
		seconds = -s.Int64N(-year1Seconds)
	default:
		seconds = 1_700_000_000 + s.Int64N(100_000_000)
	}
	if kind == wild && s.chance(40) {
		seconds = pick[int64](s, year1Seconds-1, year10000Seconds, year1Seconds-86400*365)
	}
	var nanos int64
	switch s.IntN(4) {
	case 0:
	case 1:
		nanos = pick[int64](s, 1, 127, 128, 999_999_999, 1_000_000, 500_000_000)
	default:
		nanos = s.Int64N(1_000_000_000)
	}
	return time.Unix(seconds, nanos).UTC()
}

func (s *source) vote(kind shape) *cmtproto.Vote {
	vote := &cmtproto.Vote{
		Type:             cmtproto.SignedMsgType(pick[int32](s, 1, 2, 1, 2, 0, 32)),
		Height:           s.int64(),
		Round:            s.int32(),
		BlockID:          s.blockID(kind),
		Timestamp:        s.time(kind),
		ValidatorAddress: []byte{},
		ValidatorIndex:   s.int32(),
		Signature:        []byte{},
	}
	if !s.chance(4) {
		vote.ValidatorAddress = s.bytes(20)
	}
	if s.chance(3) {
		vote.Signature = s.bytes(64)
	}
	if s.chance(3) {
		vote.Extension = s.bytes(s.length(2100))
	}
	if s.chance(3) {
		vote.ExtensionSignature = s.bytes(64)
	}
	return vote
}

func (s *source) proposal(kind shape) *cmtproto.Proposal {
	proposal := &cmtproto.Proposal{
		Type:      cmtproto.SignedMsgType(pick[int32](s, 32, 32, 32, 0, 1, 2)),
		Height:    s.int64(),
		Round:     s.int32(),
		PolRound:  s.int32(),
		BlockID:   s.blockID(kind),
		Timestamp: s.time(kind),
		Signature: []byte{},
	}
	if s.chance(2) {
		proposal.PolRound = -1
	}
	if s.chance(3) {
		proposal.Signature = s.bytes(64)
	}
	return proposal
}

func inputOfBlockID(id cmtproto.BlockID) blockIDInput {
	return blockIDInput{orEmpty(id.Hash), id.PartSetHeader.Total, orEmpty(id.PartSetHeader.Hash)}
}

func inputOfTime(t time.Time) timestampInput {
	return timestampInput{decimal(t.Unix()), t.Nanosecond()}
}

func inputOfVote(v *cmtproto.Vote) voteInput {
	return voteInput{
		Type: int32(v.Type), Height: decimal(v.Height), Round: v.Round,
		BlockID: inputOfBlockID(v.BlockID), Timestamp: inputOfTime(v.Timestamp),
		ValidatorAddress: orEmpty(v.ValidatorAddress), ValidatorIndex: v.ValidatorIndex,
		Signature: orEmpty(v.Signature), Extension: orEmpty(v.Extension),
		ExtensionSignature: orEmpty(v.ExtensionSignature),
	}
}

func inputOfProposal(p *cmtproto.Proposal) proposalInput {
	return proposalInput{
		Type: int32(p.Type), Height: decimal(p.Height), Round: p.Round, PolRound: p.PolRound,
		BlockID: inputOfBlockID(p.BlockID), Timestamp: inputOfTime(p.Timestamp),
		Signature: orEmpty(p.Signature),
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func orEmpty(b []byte) hexBytes {
	if b == nil {
		return hexBytes{}
	}
	return b
}
