package main

import (
	cmttypes "github.com/cometbft/cometbft/types"
)

type voteCase struct {
	Kind    string    `json:"kind"` // "vote"
	ChainID string    `json:"chainId"`
	Vote    voteInput `json:"vote"`
	// SignBytes is null where CometBFT panics.
	SignBytes          hexBytes `json:"signBytes"`
	ExtensionSignBytes hexBytes `json:"extensionSignBytes"`
}

type proposalCase struct {
	Kind      string        `json:"kind"` // "proposal"
	ChainID   string        `json:"chainId"`
	Proposal  proposalInput `json:"proposal"`
	SignBytes hexBytes      `json:"signBytes"`
}

func signBytesCase(s *source) any {
	chainID := s.chainID()
	if s.chance(3) {
		proposal := s.proposal(wild)
		return proposalCase{
			"proposal", chainID, inputOfProposal(proposal),
			orRefused(func() []byte { return cmttypes.ProposalSignBytes(chainID, proposal) }),
		}
	}
	vote := s.vote(wild)
	return voteCase{
		"vote", chainID, inputOfVote(vote),
		orRefused(func() []byte { return cmttypes.VoteSignBytes(chainID, vote) }),
		orRefused(func() []byte { return cmttypes.VoteExtensionSignBytes(chainID, vote) }),
	}
}

// orRefused turns CometBFT's panic on a value that has no sign bytes into null.
func orRefused(signBytes func() []byte) (out hexBytes) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	return signBytes()
}
