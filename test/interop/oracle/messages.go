package main

import (
	"github.com/cosmos/gogoproto/proto"

	v1privval "github.com/cometbft/cometbft/api/cometbft/privval/v1"
	v1types "github.com/cometbft/cometbft/api/cometbft/types/v1"
	"github.com/cometbft/cometbft/libs/protoio"
	cryptoproto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	privvalproto "github.com/cometbft/cometbft/proto/tendermint/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

type pubKeyInput struct {
	Type  string   `json:"type"`
	Value hexBytes `json:"value"`
}

type errorInput struct {
	Code        int32  `json:"code"`
	Description string `json:"description"`
}

// privvalMessageCase is one Message of one dialect. Fields that the message's type does not have are left out;
// a vote, proposal or error that is null is absent from the message.
type privvalMessageCase struct {
	Kind                 string         `json:"kind"`    // "message"
	Dialect              string         `json:"dialect"` // "tendermint" (v0.34 to v0.40) or "cometbft-v1"
	Type                 string         `json:"type"`    // the oneof member's name
	ChainID              *string        `json:"chainId,omitempty"`
	Vote                 *voteInput     `json:"vote,omitempty"`
	Proposal             *proposalInput `json:"proposal,omitempty"`
	PubKey               *pubKeyInput   `json:"pubKey,omitempty"`
	Error                *errorInput    `json:"error,omitempty"`
	SkipExtensionSigning *bool          `json:"skipExtensionSigning,omitempty"`
	Value                *hexBytes      `json:"value,omitempty"`
	Signature            *hexBytes      `json:"signature,omitempty"`
	Message              hexBytes       `json:"message"`
	Framed               hexBytes       `json:"framed"` // the same with its length before it
}

func messageCase(s *source) any {
	out := &privvalMessageCase{Kind: "message"}
	var message proto.Message
	if s.chance(2) {
		out.Dialect = "tendermint"
		message = tendermintMessage(s, out)
	} else {
		out.Dialect = "cometbft-v1"
		message = v1Message(s, out)
	}
	out.Message = orEmpty(must(proto.Marshal(message)))
	out.Framed = must(protoio.MarshalDelimited(message))
	return out
}

// Each of these fills one input of the case and returns it for the message.

func (c *privvalMessageCase) chainID(s *source) string {
	id := s.chainID()
	c.ChainID = &id
	return id
}

func (c *privvalMessageCase) vote(s *source) *cmtproto.Vote {
	vote := s.vote(encodable)
	if c.Error != nil {
		vote = &cmtproto.Vote{} // as upstream's signers refuse: dated year 1, Go's zero time
	}
	input := inputOfVote(vote)
	c.Vote = &input
	return vote
}

func (c *privvalMessageCase) proposal(s *source) *cmtproto.Proposal {
	proposal := s.proposal(encodable)
	if c.Error != nil {
		proposal = &cmtproto.Proposal{}
	}
	input := inputOfProposal(proposal)
	c.Proposal = &input
	return proposal
}

func (c *privvalMessageCase) failure(s *source) *errorInput {
	if s.chance(2) {
		c.Error = &errorInput{pick(s, 0, 1, 2, s.int32()), s.text(40)}
	}
	return c.Error
}

func (c *privvalMessageCase) skip(s *source) bool {
	skip := s.chance(2)
	c.SkipExtensionSigning = &skip
	return skip
}

func (c *privvalMessageCase) key(s *source) *pubKeyInput {
	if c.Error != nil {
		return nil
	}
	c.PubKey = &pubKeyInput{"ed25519", s.bytes(32)}
	if s.chance(4) {
		c.PubKey = &pubKeyInput{"secp256k1", s.bytes(33)}
	}
	return c.PubKey
}

func tendermintMessage(s *source, c *privvalMessageCase) proto.Message {
	c.Type = pick(s, "pubKeyRequest", "pubKeyResponse", "signVoteRequest", "signedVoteResponse",
		"signProposalRequest", "signedProposalResponse", "pingRequest", "pingResponse")
	failure := func() *privvalproto.RemoteSignerError {
		if input := c.failure(s); input != nil {
			return &privvalproto.RemoteSignerError{Code: input.Code, Description: input.Description}
		}
		return nil
	}
	out := &privvalproto.Message{}
	switch c.Type {
	case "pubKeyRequest":
		out.Sum = &privvalproto.Message_PubKeyRequest{PubKeyRequest: &privvalproto.PubKeyRequest{ChainId: c.chainID(s)}}
	case "pubKeyResponse":
		response := &privvalproto.PubKeyResponse{Error: failure()}
		switch key := c.key(s); {
		case key == nil:
		case key.Type == "ed25519":
			response.PubKey.Sum = &cryptoproto.PublicKey_Ed25519{Ed25519: key.Value}
		default:
			response.PubKey.Sum = &cryptoproto.PublicKey_Secp256K1{Secp256K1: key.Value}
		}
		out.Sum = &privvalproto.Message_PubKeyResponse{PubKeyResponse: response}
	case "signVoteRequest":
		out.Sum = &privvalproto.Message_SignVoteRequest{SignVoteRequest: &privvalproto.SignVoteRequest{
			Vote: c.vote(s), ChainId: c.chainID(s)}}
	case "signedVoteResponse":
		failed := failure()
		out.Sum = &privvalproto.Message_SignedVoteResponse{SignedVoteResponse: &privvalproto.SignedVoteResponse{
			Vote: *c.vote(s), Error: failed}}
	case "signProposalRequest":
		out.Sum = &privvalproto.Message_SignProposalRequest{SignProposalRequest: &privvalproto.SignProposalRequest{
			Proposal: c.proposal(s), ChainId: c.chainID(s)}}
	case "signedProposalResponse":
		failed := failure()
		out.Sum = &privvalproto.Message_SignedProposalResponse{SignedProposalResponse: &privvalproto.SignedProposalResponse{
			Proposal: *c.proposal(s), Error: failed}}
	case "pingRequest":
		out.Sum = &privvalproto.Message_PingRequest{PingRequest: &privvalproto.PingRequest{}}
	case "pingResponse":
		out.Sum = &privvalproto.Message_PingResponse{PingResponse: &privvalproto.PingResponse{}}
	}
	return out
}

func v1Message(s *source, c *privvalMessageCase) proto.Message {
	c.Type = pick(s, "pubKeyRequest", "pubKeyResponse", "signVoteRequest", "signedVoteResponse",
		"signProposalRequest", "signedProposalResponse", "pingRequest", "pingResponse",
		"signBytesRequest", "signBytesResponse")
	failure := func() *v1privval.RemoteSignerError {
		if input := c.failure(s); input != nil {
			return &v1privval.RemoteSignerError{Code: input.Code, Description: input.Description}
		}
		return nil
	}
	out := &v1privval.Message{}
	switch c.Type {
	case "pubKeyRequest":
		out.Sum = &v1privval.Message_PubKeyRequest{PubKeyRequest: &v1privval.PubKeyRequest{ChainId: c.chainID(s)}}
	case "pubKeyResponse":
		response := &v1privval.PubKeyResponse{Error: failure()}
		if key := c.key(s); key != nil {
			response.PubKeyBytes, response.PubKeyType = key.Value, key.Type
		}
		out.Sum = &v1privval.Message_PubKeyResponse{PubKeyResponse: response}
	case "signVoteRequest":
		vote := convert(c.vote(s), &v1types.Vote{})
		out.Sum = &v1privval.Message_SignVoteRequest{SignVoteRequest: &v1privval.SignVoteRequest{
			Vote: vote, ChainId: c.chainID(s), SkipExtensionSigning: c.skip(s)}}
	case "signedVoteResponse":
		failed := failure()
		out.Sum = &v1privval.Message_SignedVoteResponse{SignedVoteResponse: &v1privval.SignedVoteResponse{
			Vote: *convert(c.vote(s), &v1types.Vote{}), Error: failed}}
	case "signProposalRequest":
		proposal := convert(c.proposal(s), &v1types.Proposal{})
		out.Sum = &v1privval.Message_SignProposalRequest{SignProposalRequest: &v1privval.SignProposalRequest{
			Proposal: proposal, ChainId: c.chainID(s)}}
	case "signedProposalResponse":
		failed := failure()
		out.Sum = &v1privval.Message_SignedProposalResponse{SignedProposalResponse: &v1privval.SignedProposalResponse{
			Proposal: *convert(c.proposal(s), &v1types.Proposal{}), Error: failed}}
	case "pingRequest":
		out.Sum = &v1privval.Message_PingRequest{PingRequest: &v1privval.PingRequest{}}
	case "pingResponse":
		out.Sum = &v1privval.Message_PingResponse{PingResponse: &v1privval.PingResponse{}}
	case "signBytesRequest":
		value := hexBytes(s.bytes(s.length(300)))
		c.Value = &value
		out.Sum = &v1privval.Message_SignBytesRequest{SignBytesRequest: &v1privval.SignBytesRequest{Value: value}}
	case "signBytesResponse":
		response := &v1privval.SignBytesResponse{Error: failure()}
		if response.Error == nil {
			signature := hexBytes(s.bytes(64))
			c.Signature, response.Signature = &signature, signature
		}
		out.Sum = &v1privval.Message_SignBytesResponse{SignBytesResponse: response}
	}
	return out
}

// convert carries a message over to its twin in another package, through its bytes.
func convert[T proto.Message](from proto.Message, to T) T {
	if err := proto.Unmarshal(must(proto.Marshal(from)), to); err != nil {
		panic(err)
	}
	return to
}

type decodeVerdictCase struct {
	Kind    string   `json:"kind"`    // "decode"
	Dialect string   `json:"dialect"` // as above
	Input   hexBytes `json:"input"`   // a Message that was damaged, or not
	// Encoded is what CometBFT writes for what it has read; null when it refuses the input.
	Encoded hexBytes `json:"encoded"`
}

func decodeCase(s *source) any {
	original := messageCase(s).(*privvalMessageCase)
	input := damaged(s, original.Message)
	var message proto.Message = &privvalproto.Message{}
	if original.Dialect == "cometbft-v1" {
		message = &v1privval.Message{}
	}
	out := decodeVerdictCase{Kind: "decode", Dialect: original.Dialect, Input: input}
	if proto.Unmarshal(input, message) != nil {
		return out
	}
	if encoded, err := proto.Marshal(message); err == nil {
		out.Encoded = orEmpty(encoded)
	}
	return out
}

// damaged returns a copy with up to three injuries of the kinds that a decoder meets.
func damaged(s *source, message []byte) []byte {
	out := append([]byte{}, message...)
	for range s.IntN(4) {
		at := s.IntN(len(out) + 1)
		switch s.IntN(6) {
		case 0: // a bit
			if at < len(out) {
				out[at] ^= 1 << s.IntN(8)
			}
		case 1: // the end
			out = out[:at]
		case 2: // an unknown field, varint or bytes, at the end
			out = append(out, pick(s, []byte{0xf8, 0x06, 0x01}, []byte{0x9a, 0x06, 0x02, 0xaa, 0xbb})...)
		case 3: // bytes in the middle
			out = append(out[:at:at], append(s.bytes(1+s.IntN(4)), out[at:]...)...)
		case 4: // the message again: the last member of a oneof wins, sub-messages merge
			out = append(out, message...)
		case 5: // a byte less
			if at < len(out) {
				out = append(out[:at:at], out[at+1:]...)
			}
		}
	}
	return out
}
