// Generated from proto/schema by `npm run generate`. Never edited by hand.
import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace cometbft. */
export namespace cometbft {

    /** Namespace privval. */
    namespace privval {

        /** Namespace v1. */
        namespace v1 {

            /**
             * Properties of a PubKeyResponse.
             * @deprecated Use cometbft.privval.v1.PubKeyResponse.$Properties instead.
             */
            interface IPubKeyResponse extends cometbft.privval.v1.PubKeyResponse.$Properties {
            }

            /** Represents a PubKeyResponse. */
            class PubKeyResponse {

                /**
                 * Constructs a new PubKeyResponse.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: cometbft.privval.v1.PubKeyResponse.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PubKeyResponse error. */
                error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                /** PubKeyResponse pubKeyBytes. */
                pubKeyBytes: Uint8Array;

                /** PubKeyResponse pubKeyType. */
                pubKeyType: string;

                /**
                 * Creates a new PubKeyResponse instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns PubKeyResponse instance
                 */
                static create(properties: cometbft.privval.v1.PubKeyResponse.$Shape): cometbft.privval.v1.PubKeyResponse & cometbft.privval.v1.PubKeyResponse.$Shape;
                static create(properties?: cometbft.privval.v1.PubKeyResponse.$Properties): cometbft.privval.v1.PubKeyResponse;

                /**
                 * Encodes the specified PubKeyResponse message. Does not implicitly {@link cometbft.privval.v1.PubKeyResponse.verify|verify} messages.
                 * @param message PubKeyResponse message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: cometbft.privval.v1.PubKeyResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PubKeyResponse message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {cometbft.privval.v1.PubKeyResponse & cometbft.privval.v1.PubKeyResponse.$Shape} PubKeyResponse
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): cometbft.privval.v1.PubKeyResponse & cometbft.privval.v1.PubKeyResponse.$Shape;
            }

            namespace PubKeyResponse {

                /** Properties of a PubKeyResponse. */
                interface $Properties {

                    /** PubKeyResponse error */
                    error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                    /** PubKeyResponse pubKeyBytes */
                    pubKeyBytes?: (Uint8Array|null);

                    /** PubKeyResponse pubKeyType */
                    pubKeyType?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PubKeyResponse. */
                type $Shape = cometbft.privval.v1.PubKeyResponse.$Properties;
            }

            /**
             * Properties of a SignVoteRequest.
             * @deprecated Use cometbft.privval.v1.SignVoteRequest.$Properties instead.
             */
            interface ISignVoteRequest extends cometbft.privval.v1.SignVoteRequest.$Properties {
            }

            /** Represents a SignVoteRequest. */
            class SignVoteRequest {

                /**
                 * Constructs a new SignVoteRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: cometbft.privval.v1.SignVoteRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** SignVoteRequest vote. */
                vote?: (tendermint.types.Vote.$Properties|null);

                /** SignVoteRequest chainId. */
                chainId: string;

                /** SignVoteRequest skipExtensionSigning. */
                skipExtensionSigning: boolean;

                /**
                 * Creates a new SignVoteRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns SignVoteRequest instance
                 */
                static create(properties: cometbft.privval.v1.SignVoteRequest.$Shape): cometbft.privval.v1.SignVoteRequest & cometbft.privval.v1.SignVoteRequest.$Shape;
                static create(properties?: cometbft.privval.v1.SignVoteRequest.$Properties): cometbft.privval.v1.SignVoteRequest;

                /**
                 * Encodes the specified SignVoteRequest message. Does not implicitly {@link cometbft.privval.v1.SignVoteRequest.verify|verify} messages.
                 * @param message SignVoteRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: cometbft.privval.v1.SignVoteRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a SignVoteRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {cometbft.privval.v1.SignVoteRequest & cometbft.privval.v1.SignVoteRequest.$Shape} SignVoteRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): cometbft.privval.v1.SignVoteRequest & cometbft.privval.v1.SignVoteRequest.$Shape;
            }

            namespace SignVoteRequest {

                /** Properties of a SignVoteRequest. */
                interface $Properties {

                    /** SignVoteRequest vote */
                    vote?: (tendermint.types.Vote.$Properties|null);

                    /** SignVoteRequest chainId */
                    chainId?: (string|null);

                    /** SignVoteRequest skipExtensionSigning */
                    skipExtensionSigning?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a SignVoteRequest. */
                type $Shape = cometbft.privval.v1.SignVoteRequest.$Properties;
            }

            /**
             * Properties of a SignBytesRequest.
             * @deprecated Use cometbft.privval.v1.SignBytesRequest.$Properties instead.
             */
            interface ISignBytesRequest extends cometbft.privval.v1.SignBytesRequest.$Properties {
            }

            /** Represents a SignBytesRequest. */
            class SignBytesRequest {

                /**
                 * Constructs a new SignBytesRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: cometbft.privval.v1.SignBytesRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** SignBytesRequest value. */
                value: Uint8Array;

                /**
                 * Creates a new SignBytesRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns SignBytesRequest instance
                 */
                static create(properties: cometbft.privval.v1.SignBytesRequest.$Shape): cometbft.privval.v1.SignBytesRequest & cometbft.privval.v1.SignBytesRequest.$Shape;
                static create(properties?: cometbft.privval.v1.SignBytesRequest.$Properties): cometbft.privval.v1.SignBytesRequest;

                /**
                 * Encodes the specified SignBytesRequest message. Does not implicitly {@link cometbft.privval.v1.SignBytesRequest.verify|verify} messages.
                 * @param message SignBytesRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: cometbft.privval.v1.SignBytesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a SignBytesRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {cometbft.privval.v1.SignBytesRequest & cometbft.privval.v1.SignBytesRequest.$Shape} SignBytesRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): cometbft.privval.v1.SignBytesRequest & cometbft.privval.v1.SignBytesRequest.$Shape;
            }

            namespace SignBytesRequest {

                /** Properties of a SignBytesRequest. */
                interface $Properties {

                    /** SignBytesRequest value */
                    value?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a SignBytesRequest. */
                type $Shape = cometbft.privval.v1.SignBytesRequest.$Properties;
            }

            /**
             * Properties of a SignBytesResponse.
             * @deprecated Use cometbft.privval.v1.SignBytesResponse.$Properties instead.
             */
            interface ISignBytesResponse extends cometbft.privval.v1.SignBytesResponse.$Properties {
            }

            /** Represents a SignBytesResponse. */
            class SignBytesResponse {

                /**
                 * Constructs a new SignBytesResponse.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: cometbft.privval.v1.SignBytesResponse.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** SignBytesResponse signature. */
                signature: Uint8Array;

                /** SignBytesResponse error. */
                error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                /**
                 * Creates a new SignBytesResponse instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns SignBytesResponse instance
                 */
                static create(properties: cometbft.privval.v1.SignBytesResponse.$Shape): cometbft.privval.v1.SignBytesResponse & cometbft.privval.v1.SignBytesResponse.$Shape;
                static create(properties?: cometbft.privval.v1.SignBytesResponse.$Properties): cometbft.privval.v1.SignBytesResponse;

                /**
                 * Encodes the specified SignBytesResponse message. Does not implicitly {@link cometbft.privval.v1.SignBytesResponse.verify|verify} messages.
                 * @param message SignBytesResponse message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: cometbft.privval.v1.SignBytesResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a SignBytesResponse message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {cometbft.privval.v1.SignBytesResponse & cometbft.privval.v1.SignBytesResponse.$Shape} SignBytesResponse
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): cometbft.privval.v1.SignBytesResponse & cometbft.privval.v1.SignBytesResponse.$Shape;
            }

            namespace SignBytesResponse {

                /** Properties of a SignBytesResponse. */
                interface $Properties {

                    /** SignBytesResponse signature */
                    signature?: (Uint8Array|null);

                    /** SignBytesResponse error */
                    error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a SignBytesResponse. */
                type $Shape = cometbft.privval.v1.SignBytesResponse.$Properties;
            }

            /**
             * Properties of a Message.
             * @deprecated Use cometbft.privval.v1.Message.$Properties instead.
             */
            interface IMessage extends cometbft.privval.v1.Message.$Properties {
            }

            /** Represents a Message. */
            class Message {

                /**
                 * Constructs a new Message.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: cometbft.privval.v1.Message.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Message pubKeyRequest. */
                pubKeyRequest?: (tendermint.privval.PubKeyRequest.$Properties|null);

                /** Message pubKeyResponse. */
                pubKeyResponse?: (cometbft.privval.v1.PubKeyResponse.$Properties|null);

                /** Message signVoteRequest. */
                signVoteRequest?: (cometbft.privval.v1.SignVoteRequest.$Properties|null);

                /** Message signedVoteResponse. */
                signedVoteResponse?: (tendermint.privval.SignedVoteResponse.$Properties|null);

                /** Message signProposalRequest. */
                signProposalRequest?: (tendermint.privval.SignProposalRequest.$Properties|null);

                /** Message signedProposalResponse. */
                signedProposalResponse?: (tendermint.privval.SignedProposalResponse.$Properties|null);

                /** Message pingRequest. */
                pingRequest?: (tendermint.privval.PingRequest.$Properties|null);

                /** Message pingResponse. */
                pingResponse?: (tendermint.privval.PingResponse.$Properties|null);

                /** Message signBytesRequest. */
                signBytesRequest?: (cometbft.privval.v1.SignBytesRequest.$Properties|null);

                /** Message signBytesResponse. */
                signBytesResponse?: (cometbft.privval.v1.SignBytesResponse.$Properties|null);

                /** Message sum. */
                sum?: ("pubKeyRequest"|"pubKeyResponse"|"signVoteRequest"|"signedVoteResponse"|"signProposalRequest"|"signedProposalResponse"|"pingRequest"|"pingResponse"|"signBytesRequest"|"signBytesResponse");

                /**
                 * Creates a new Message instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Message instance
                 */
                static create(properties: cometbft.privval.v1.Message.$Shape): cometbft.privval.v1.Message & cometbft.privval.v1.Message.$Shape;
                static create(properties?: cometbft.privval.v1.Message.$Properties): cometbft.privval.v1.Message;

                /**
                 * Encodes the specified Message message. Does not implicitly {@link cometbft.privval.v1.Message.verify|verify} messages.
                 * @param message Message message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: cometbft.privval.v1.Message.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Message message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {cometbft.privval.v1.Message & cometbft.privval.v1.Message.$Shape} Message
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): cometbft.privval.v1.Message & cometbft.privval.v1.Message.$Shape;
            }

            namespace Message {

                /** Properties of a Message. */
                interface $Properties {

                    /** Message pubKeyRequest */
                    pubKeyRequest?: (tendermint.privval.PubKeyRequest.$Properties|null);

                    /** Message pubKeyResponse */
                    pubKeyResponse?: (cometbft.privval.v1.PubKeyResponse.$Properties|null);

                    /** Message signVoteRequest */
                    signVoteRequest?: (cometbft.privval.v1.SignVoteRequest.$Properties|null);

                    /** Message signedVoteResponse */
                    signedVoteResponse?: (tendermint.privval.SignedVoteResponse.$Properties|null);

                    /** Message signProposalRequest */
                    signProposalRequest?: (tendermint.privval.SignProposalRequest.$Properties|null);

                    /** Message signedProposalResponse */
                    signedProposalResponse?: (tendermint.privval.SignedProposalResponse.$Properties|null);

                    /** Message pingRequest */
                    pingRequest?: (tendermint.privval.PingRequest.$Properties|null);

                    /** Message pingResponse */
                    pingResponse?: (tendermint.privval.PingResponse.$Properties|null);

                    /** Message signBytesRequest */
                    signBytesRequest?: (cometbft.privval.v1.SignBytesRequest.$Properties|null);

                    /** Message signBytesResponse */
                    signBytesResponse?: (cometbft.privval.v1.SignBytesResponse.$Properties|null);

                    /** Message sum */
                    sum?: ("pubKeyRequest"|"pubKeyResponse"|"signVoteRequest"|"signedVoteResponse"|"signProposalRequest"|"signedProposalResponse"|"pingRequest"|"pingResponse"|"signBytesRequest"|"signBytesResponse");

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Narrowed shape of a Message. */
                type $Shape = {
                  pubKeyRequest?: tendermint.privval.PubKeyRequest.$Shape|null;
                  pubKeyResponse?: cometbft.privval.v1.PubKeyResponse.$Shape|null;
                  signVoteRequest?: cometbft.privval.v1.SignVoteRequest.$Shape|null;
                  signedVoteResponse?: tendermint.privval.SignedVoteResponse.$Shape|null;
                  signProposalRequest?: tendermint.privval.SignProposalRequest.$Shape|null;
                  signedProposalResponse?: tendermint.privval.SignedProposalResponse.$Shape|null;
                  pingRequest?: tendermint.privval.PingRequest.$Shape|null;
                  pingResponse?: tendermint.privval.PingResponse.$Shape|null;
                  signBytesRequest?: cometbft.privval.v1.SignBytesRequest.$Shape|null;
                  signBytesResponse?: cometbft.privval.v1.SignBytesResponse.$Shape|null;
                  $unknowns?: Uint8Array[];
                } & (
                  ({ sum?: undefined; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "pubKeyRequest"; pubKeyRequest: tendermint.privval.PubKeyRequest.$Shape; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "pubKeyResponse"; pubKeyRequest?: null; pubKeyResponse: cometbft.privval.v1.PubKeyResponse.$Shape; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "signVoteRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest: cometbft.privval.v1.SignVoteRequest.$Shape; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "signedVoteResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse: tendermint.privval.SignedVoteResponse.$Shape; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "signProposalRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest: tendermint.privval.SignProposalRequest.$Shape; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "signedProposalResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse: tendermint.privval.SignedProposalResponse.$Shape; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "pingRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest: tendermint.privval.PingRequest.$Shape; pingResponse?: null; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "pingResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse: tendermint.privval.PingResponse.$Shape; signBytesRequest?: null; signBytesResponse?: null }|{ sum?: "signBytesRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest: cometbft.privval.v1.SignBytesRequest.$Shape; signBytesResponse?: null }|{ sum?: "signBytesResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null; signBytesRequest?: null; signBytesResponse: cometbft.privval.v1.SignBytesResponse.$Shape })
                );
            }
        }
    }
}

/** Namespace tendermint. */
export namespace tendermint {

    /** Namespace privval. */
    namespace privval {

        /**
         * Properties of a RemoteSignerError.
         * @deprecated Use tendermint.privval.RemoteSignerError.$Properties instead.
         */
        interface IRemoteSignerError extends tendermint.privval.RemoteSignerError.$Properties {
        }

        /** Represents a RemoteSignerError. */
        class RemoteSignerError {

            /**
             * Constructs a new RemoteSignerError.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.RemoteSignerError.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RemoteSignerError code. */
            code: number;

            /** RemoteSignerError description. */
            description: string;

            /**
             * Creates a new RemoteSignerError instance using the specified properties.
             * @param [properties] Properties to set
             * @returns RemoteSignerError instance
             */
            static create(properties: tendermint.privval.RemoteSignerError.$Shape): tendermint.privval.RemoteSignerError & tendermint.privval.RemoteSignerError.$Shape;
            static create(properties?: tendermint.privval.RemoteSignerError.$Properties): tendermint.privval.RemoteSignerError;

            /**
             * Encodes the specified RemoteSignerError message. Does not implicitly {@link tendermint.privval.RemoteSignerError.verify|verify} messages.
             * @param message RemoteSignerError message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.RemoteSignerError.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RemoteSignerError message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.RemoteSignerError & tendermint.privval.RemoteSignerError.$Shape} RemoteSignerError
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.RemoteSignerError & tendermint.privval.RemoteSignerError.$Shape;
        }

        namespace RemoteSignerError {

            /** Properties of a RemoteSignerError. */
            interface $Properties {

                /** RemoteSignerError code */
                code?: (number|null);

                /** RemoteSignerError description */
                description?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RemoteSignerError. */
            type $Shape = tendermint.privval.RemoteSignerError.$Properties;
        }

        /**
         * Properties of a PubKeyRequest.
         * @deprecated Use tendermint.privval.PubKeyRequest.$Properties instead.
         */
        interface IPubKeyRequest extends tendermint.privval.PubKeyRequest.$Properties {
        }

        /** Represents a PubKeyRequest. */
        class PubKeyRequest {

            /**
             * Constructs a new PubKeyRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.PubKeyRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PubKeyRequest chainId. */
            chainId: string;

            /**
             * Creates a new PubKeyRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PubKeyRequest instance
             */
            static create(properties: tendermint.privval.PubKeyRequest.$Shape): tendermint.privval.PubKeyRequest & tendermint.privval.PubKeyRequest.$Shape;
            static create(properties?: tendermint.privval.PubKeyRequest.$Properties): tendermint.privval.PubKeyRequest;

            /**
             * Encodes the specified PubKeyRequest message. Does not implicitly {@link tendermint.privval.PubKeyRequest.verify|verify} messages.
             * @param message PubKeyRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.PubKeyRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PubKeyRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.PubKeyRequest & tendermint.privval.PubKeyRequest.$Shape} PubKeyRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.PubKeyRequest & tendermint.privval.PubKeyRequest.$Shape;
        }

        namespace PubKeyRequest {

            /** Properties of a PubKeyRequest. */
            interface $Properties {

                /** PubKeyRequest chainId */
                chainId?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PubKeyRequest. */
            type $Shape = tendermint.privval.PubKeyRequest.$Properties;
        }

        /**
         * Properties of a PubKeyResponse.
         * @deprecated Use tendermint.privval.PubKeyResponse.$Properties instead.
         */
        interface IPubKeyResponse extends tendermint.privval.PubKeyResponse.$Properties {
        }

        /** Represents a PubKeyResponse. */
        class PubKeyResponse {

            /**
             * Constructs a new PubKeyResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.PubKeyResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PubKeyResponse pubKey. */
            pubKey?: (tendermint.crypto.PublicKey.$Properties|null);

            /** PubKeyResponse error. */
            error?: (tendermint.privval.RemoteSignerError.$Properties|null);

            /**
             * Creates a new PubKeyResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PubKeyResponse instance
             */
            static create(properties: tendermint.privval.PubKeyResponse.$Shape): tendermint.privval.PubKeyResponse & tendermint.privval.PubKeyResponse.$Shape;
            static create(properties?: tendermint.privval.PubKeyResponse.$Properties): tendermint.privval.PubKeyResponse;

            /**
             * Encodes the specified PubKeyResponse message. Does not implicitly {@link tendermint.privval.PubKeyResponse.verify|verify} messages.
             * @param message PubKeyResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.PubKeyResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PubKeyResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.PubKeyResponse & tendermint.privval.PubKeyResponse.$Shape} PubKeyResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.PubKeyResponse & tendermint.privval.PubKeyResponse.$Shape;
        }

        namespace PubKeyResponse {

            /** Properties of a PubKeyResponse. */
            interface $Properties {

                /** PubKeyResponse pubKey */
                pubKey?: (tendermint.crypto.PublicKey.$Properties|null);

                /** PubKeyResponse error */
                error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PubKeyResponse. */
            type $Shape = {
              pubKey?: tendermint.crypto.PublicKey.$Shape|null;
              error?: tendermint.privval.RemoteSignerError.$Shape|null;
              $unknowns?: Uint8Array[];
            };
        }

        /**
         * Properties of a SignVoteRequest.
         * @deprecated Use tendermint.privval.SignVoteRequest.$Properties instead.
         */
        interface ISignVoteRequest extends tendermint.privval.SignVoteRequest.$Properties {
        }

        /** Represents a SignVoteRequest. */
        class SignVoteRequest {

            /**
             * Constructs a new SignVoteRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.SignVoteRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignVoteRequest vote. */
            vote?: (tendermint.types.Vote.$Properties|null);

            /** SignVoteRequest chainId. */
            chainId: string;

            /**
             * Creates a new SignVoteRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SignVoteRequest instance
             */
            static create(properties: tendermint.privval.SignVoteRequest.$Shape): tendermint.privval.SignVoteRequest & tendermint.privval.SignVoteRequest.$Shape;
            static create(properties?: tendermint.privval.SignVoteRequest.$Properties): tendermint.privval.SignVoteRequest;

            /**
             * Encodes the specified SignVoteRequest message. Does not implicitly {@link tendermint.privval.SignVoteRequest.verify|verify} messages.
             * @param message SignVoteRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.SignVoteRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignVoteRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.SignVoteRequest & tendermint.privval.SignVoteRequest.$Shape} SignVoteRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.SignVoteRequest & tendermint.privval.SignVoteRequest.$Shape;
        }

        namespace SignVoteRequest {

            /** Properties of a SignVoteRequest. */
            interface $Properties {

                /** SignVoteRequest vote */
                vote?: (tendermint.types.Vote.$Properties|null);

                /** SignVoteRequest chainId */
                chainId?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignVoteRequest. */
            type $Shape = tendermint.privval.SignVoteRequest.$Properties;
        }

        /**
         * Properties of a SignedVoteResponse.
         * @deprecated Use tendermint.privval.SignedVoteResponse.$Properties instead.
         */
        interface ISignedVoteResponse extends tendermint.privval.SignedVoteResponse.$Properties {
        }

        /** Represents a SignedVoteResponse. */
        class SignedVoteResponse {

            /**
             * Constructs a new SignedVoteResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.SignedVoteResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignedVoteResponse vote. */
            vote?: (tendermint.types.Vote.$Properties|null);

            /** SignedVoteResponse error. */
            error?: (tendermint.privval.RemoteSignerError.$Properties|null);

            /**
             * Creates a new SignedVoteResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SignedVoteResponse instance
             */
            static create(properties: tendermint.privval.SignedVoteResponse.$Shape): tendermint.privval.SignedVoteResponse & tendermint.privval.SignedVoteResponse.$Shape;
            static create(properties?: tendermint.privval.SignedVoteResponse.$Properties): tendermint.privval.SignedVoteResponse;

            /**
             * Encodes the specified SignedVoteResponse message. Does not implicitly {@link tendermint.privval.SignedVoteResponse.verify|verify} messages.
             * @param message SignedVoteResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.SignedVoteResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignedVoteResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.SignedVoteResponse & tendermint.privval.SignedVoteResponse.$Shape} SignedVoteResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.SignedVoteResponse & tendermint.privval.SignedVoteResponse.$Shape;
        }

        namespace SignedVoteResponse {

            /** Properties of a SignedVoteResponse. */
            interface $Properties {

                /** SignedVoteResponse vote */
                vote?: (tendermint.types.Vote.$Properties|null);

                /** SignedVoteResponse error */
                error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignedVoteResponse. */
            type $Shape = tendermint.privval.SignedVoteResponse.$Properties;
        }

        /**
         * Properties of a SignProposalRequest.
         * @deprecated Use tendermint.privval.SignProposalRequest.$Properties instead.
         */
        interface ISignProposalRequest extends tendermint.privval.SignProposalRequest.$Properties {
        }

        /** Represents a SignProposalRequest. */
        class SignProposalRequest {

            /**
             * Constructs a new SignProposalRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.SignProposalRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignProposalRequest proposal. */
            proposal?: (tendermint.types.Proposal.$Properties|null);

            /** SignProposalRequest chainId. */
            chainId: string;

            /**
             * Creates a new SignProposalRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SignProposalRequest instance
             */
            static create(properties: tendermint.privval.SignProposalRequest.$Shape): tendermint.privval.SignProposalRequest & tendermint.privval.SignProposalRequest.$Shape;
            static create(properties?: tendermint.privval.SignProposalRequest.$Properties): tendermint.privval.SignProposalRequest;

            /**
             * Encodes the specified SignProposalRequest message. Does not implicitly {@link tendermint.privval.SignProposalRequest.verify|verify} messages.
             * @param message SignProposalRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.SignProposalRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignProposalRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.SignProposalRequest & tendermint.privval.SignProposalRequest.$Shape} SignProposalRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.SignProposalRequest & tendermint.privval.SignProposalRequest.$Shape;
        }

        namespace SignProposalRequest {

            /** Properties of a SignProposalRequest. */
            interface $Properties {

                /** SignProposalRequest proposal */
                proposal?: (tendermint.types.Proposal.$Properties|null);

                /** SignProposalRequest chainId */
                chainId?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignProposalRequest. */
            type $Shape = tendermint.privval.SignProposalRequest.$Properties;
        }

        /**
         * Properties of a SignedProposalResponse.
         * @deprecated Use tendermint.privval.SignedProposalResponse.$Properties instead.
         */
        interface ISignedProposalResponse extends tendermint.privval.SignedProposalResponse.$Properties {
        }

        /** Represents a SignedProposalResponse. */
        class SignedProposalResponse {

            /**
             * Constructs a new SignedProposalResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.SignedProposalResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignedProposalResponse proposal. */
            proposal?: (tendermint.types.Proposal.$Properties|null);

            /** SignedProposalResponse error. */
            error?: (tendermint.privval.RemoteSignerError.$Properties|null);

            /**
             * Creates a new SignedProposalResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SignedProposalResponse instance
             */
            static create(properties: tendermint.privval.SignedProposalResponse.$Shape): tendermint.privval.SignedProposalResponse & tendermint.privval.SignedProposalResponse.$Shape;
            static create(properties?: tendermint.privval.SignedProposalResponse.$Properties): tendermint.privval.SignedProposalResponse;

            /**
             * Encodes the specified SignedProposalResponse message. Does not implicitly {@link tendermint.privval.SignedProposalResponse.verify|verify} messages.
             * @param message SignedProposalResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.SignedProposalResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignedProposalResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.SignedProposalResponse & tendermint.privval.SignedProposalResponse.$Shape} SignedProposalResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.SignedProposalResponse & tendermint.privval.SignedProposalResponse.$Shape;
        }

        namespace SignedProposalResponse {

            /** Properties of a SignedProposalResponse. */
            interface $Properties {

                /** SignedProposalResponse proposal */
                proposal?: (tendermint.types.Proposal.$Properties|null);

                /** SignedProposalResponse error */
                error?: (tendermint.privval.RemoteSignerError.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignedProposalResponse. */
            type $Shape = tendermint.privval.SignedProposalResponse.$Properties;
        }

        /**
         * Properties of a PingRequest.
         * @deprecated Use tendermint.privval.PingRequest.$Properties instead.
         */
        interface IPingRequest extends tendermint.privval.PingRequest.$Properties {
        }

        /** Represents a PingRequest. */
        class PingRequest {

            /**
             * Constructs a new PingRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.PingRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new PingRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PingRequest instance
             */
            static create(properties: tendermint.privval.PingRequest.$Shape): tendermint.privval.PingRequest & tendermint.privval.PingRequest.$Shape;
            static create(properties?: tendermint.privval.PingRequest.$Properties): tendermint.privval.PingRequest;

            /**
             * Encodes the specified PingRequest message. Does not implicitly {@link tendermint.privval.PingRequest.verify|verify} messages.
             * @param message PingRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.PingRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PingRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.PingRequest & tendermint.privval.PingRequest.$Shape} PingRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.PingRequest & tendermint.privval.PingRequest.$Shape;
        }

        namespace PingRequest {

            /** Properties of a PingRequest. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PingRequest. */
            type $Shape = tendermint.privval.PingRequest.$Properties;
        }

        /**
         * Properties of a PingResponse.
         * @deprecated Use tendermint.privval.PingResponse.$Properties instead.
         */
        interface IPingResponse extends tendermint.privval.PingResponse.$Properties {
        }

        /** Represents a PingResponse. */
        class PingResponse {

            /**
             * Constructs a new PingResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.PingResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new PingResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PingResponse instance
             */
            static create(properties: tendermint.privval.PingResponse.$Shape): tendermint.privval.PingResponse & tendermint.privval.PingResponse.$Shape;
            static create(properties?: tendermint.privval.PingResponse.$Properties): tendermint.privval.PingResponse;

            /**
             * Encodes the specified PingResponse message. Does not implicitly {@link tendermint.privval.PingResponse.verify|verify} messages.
             * @param message PingResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.PingResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PingResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.PingResponse & tendermint.privval.PingResponse.$Shape} PingResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.PingResponse & tendermint.privval.PingResponse.$Shape;
        }

        namespace PingResponse {

            /** Properties of a PingResponse. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PingResponse. */
            type $Shape = tendermint.privval.PingResponse.$Properties;
        }

        /**
         * Properties of a Message.
         * @deprecated Use tendermint.privval.Message.$Properties instead.
         */
        interface IMessage extends tendermint.privval.Message.$Properties {
        }

        /** Represents a Message. */
        class Message {

            /**
             * Constructs a new Message.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.privval.Message.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Message pubKeyRequest. */
            pubKeyRequest?: (tendermint.privval.PubKeyRequest.$Properties|null);

            /** Message pubKeyResponse. */
            pubKeyResponse?: (tendermint.privval.PubKeyResponse.$Properties|null);

            /** Message signVoteRequest. */
            signVoteRequest?: (tendermint.privval.SignVoteRequest.$Properties|null);

            /** Message signedVoteResponse. */
            signedVoteResponse?: (tendermint.privval.SignedVoteResponse.$Properties|null);

            /** Message signProposalRequest. */
            signProposalRequest?: (tendermint.privval.SignProposalRequest.$Properties|null);

            /** Message signedProposalResponse. */
            signedProposalResponse?: (tendermint.privval.SignedProposalResponse.$Properties|null);

            /** Message pingRequest. */
            pingRequest?: (tendermint.privval.PingRequest.$Properties|null);

            /** Message pingResponse. */
            pingResponse?: (tendermint.privval.PingResponse.$Properties|null);

            /** Message sum. */
            sum?: ("pubKeyRequest"|"pubKeyResponse"|"signVoteRequest"|"signedVoteResponse"|"signProposalRequest"|"signedProposalResponse"|"pingRequest"|"pingResponse");

            /**
             * Creates a new Message instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Message instance
             */
            static create(properties: tendermint.privval.Message.$Shape): tendermint.privval.Message & tendermint.privval.Message.$Shape;
            static create(properties?: tendermint.privval.Message.$Properties): tendermint.privval.Message;

            /**
             * Encodes the specified Message message. Does not implicitly {@link tendermint.privval.Message.verify|verify} messages.
             * @param message Message message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.privval.Message.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Message message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.privval.Message & tendermint.privval.Message.$Shape} Message
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.privval.Message & tendermint.privval.Message.$Shape;
        }

        namespace Message {

            /** Properties of a Message. */
            interface $Properties {

                /** Message pubKeyRequest */
                pubKeyRequest?: (tendermint.privval.PubKeyRequest.$Properties|null);

                /** Message pubKeyResponse */
                pubKeyResponse?: (tendermint.privval.PubKeyResponse.$Properties|null);

                /** Message signVoteRequest */
                signVoteRequest?: (tendermint.privval.SignVoteRequest.$Properties|null);

                /** Message signedVoteResponse */
                signedVoteResponse?: (tendermint.privval.SignedVoteResponse.$Properties|null);

                /** Message signProposalRequest */
                signProposalRequest?: (tendermint.privval.SignProposalRequest.$Properties|null);

                /** Message signedProposalResponse */
                signedProposalResponse?: (tendermint.privval.SignedProposalResponse.$Properties|null);

                /** Message pingRequest */
                pingRequest?: (tendermint.privval.PingRequest.$Properties|null);

                /** Message pingResponse */
                pingResponse?: (tendermint.privval.PingResponse.$Properties|null);

                /** Message sum */
                sum?: ("pubKeyRequest"|"pubKeyResponse"|"signVoteRequest"|"signedVoteResponse"|"signProposalRequest"|"signedProposalResponse"|"pingRequest"|"pingResponse");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a Message. */
            type $Shape = {
              pubKeyRequest?: tendermint.privval.PubKeyRequest.$Shape|null;
              pubKeyResponse?: tendermint.privval.PubKeyResponse.$Shape|null;
              signVoteRequest?: tendermint.privval.SignVoteRequest.$Shape|null;
              signedVoteResponse?: tendermint.privval.SignedVoteResponse.$Shape|null;
              signProposalRequest?: tendermint.privval.SignProposalRequest.$Shape|null;
              signedProposalResponse?: tendermint.privval.SignedProposalResponse.$Shape|null;
              pingRequest?: tendermint.privval.PingRequest.$Shape|null;
              pingResponse?: tendermint.privval.PingResponse.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ sum?: undefined; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null }|{ sum?: "pubKeyRequest"; pubKeyRequest: tendermint.privval.PubKeyRequest.$Shape; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null }|{ sum?: "pubKeyResponse"; pubKeyRequest?: null; pubKeyResponse: tendermint.privval.PubKeyResponse.$Shape; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null }|{ sum?: "signVoteRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest: tendermint.privval.SignVoteRequest.$Shape; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null }|{ sum?: "signedVoteResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse: tendermint.privval.SignedVoteResponse.$Shape; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null }|{ sum?: "signProposalRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest: tendermint.privval.SignProposalRequest.$Shape; signedProposalResponse?: null; pingRequest?: null; pingResponse?: null }|{ sum?: "signedProposalResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse: tendermint.privval.SignedProposalResponse.$Shape; pingRequest?: null; pingResponse?: null }|{ sum?: "pingRequest"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest: tendermint.privval.PingRequest.$Shape; pingResponse?: null }|{ sum?: "pingResponse"; pubKeyRequest?: null; pubKeyResponse?: null; signVoteRequest?: null; signedVoteResponse?: null; signProposalRequest?: null; signedProposalResponse?: null; pingRequest?: null; pingResponse: tendermint.privval.PingResponse.$Shape })
            );
        }
    }

    /** Namespace crypto. */
    namespace crypto {

        /**
         * Properties of a PublicKey.
         * @deprecated Use tendermint.crypto.PublicKey.$Properties instead.
         */
        interface IPublicKey extends tendermint.crypto.PublicKey.$Properties {
        }

        /** Represents a PublicKey. */
        class PublicKey {

            /**
             * Constructs a new PublicKey.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.crypto.PublicKey.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PublicKey ed25519. */
            ed25519?: (Uint8Array|null);

            /** PublicKey secp256k1. */
            secp256k1?: (Uint8Array|null);

            /** PublicKey bls12381. */
            bls12381?: (Uint8Array|null);

            /** PublicKey mldsa65. */
            mldsa65?: (Uint8Array|null);

            /** PublicKey secp256k1eth. */
            secp256k1eth?: (Uint8Array|null);

            /** PublicKey sum. */
            sum?: ("ed25519"|"secp256k1"|"bls12381"|"mldsa65"|"secp256k1eth");

            /**
             * Creates a new PublicKey instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PublicKey instance
             */
            static create(properties: tendermint.crypto.PublicKey.$Shape): tendermint.crypto.PublicKey & tendermint.crypto.PublicKey.$Shape;
            static create(properties?: tendermint.crypto.PublicKey.$Properties): tendermint.crypto.PublicKey;

            /**
             * Encodes the specified PublicKey message. Does not implicitly {@link tendermint.crypto.PublicKey.verify|verify} messages.
             * @param message PublicKey message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.crypto.PublicKey.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PublicKey message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.crypto.PublicKey & tendermint.crypto.PublicKey.$Shape} PublicKey
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.crypto.PublicKey & tendermint.crypto.PublicKey.$Shape;
        }

        namespace PublicKey {

            /** Properties of a PublicKey. */
            interface $Properties {

                /** PublicKey ed25519 */
                ed25519?: (Uint8Array|null);

                /** PublicKey secp256k1 */
                secp256k1?: (Uint8Array|null);

                /** PublicKey bls12381 */
                bls12381?: (Uint8Array|null);

                /** PublicKey mldsa65 */
                mldsa65?: (Uint8Array|null);

                /** PublicKey secp256k1eth */
                secp256k1eth?: (Uint8Array|null);

                /** PublicKey sum */
                sum?: ("ed25519"|"secp256k1"|"bls12381"|"mldsa65"|"secp256k1eth");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a PublicKey. */
            type $Shape = {
              ed25519?: Uint8Array|null;
              secp256k1?: Uint8Array|null;
              bls12381?: Uint8Array|null;
              mldsa65?: Uint8Array|null;
              secp256k1eth?: Uint8Array|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ sum?: undefined; ed25519?: null; secp256k1?: null; bls12381?: null; mldsa65?: null; secp256k1eth?: null }|{ sum?: "ed25519"; ed25519: Uint8Array; secp256k1?: null; bls12381?: null; mldsa65?: null; secp256k1eth?: null }|{ sum?: "secp256k1"; ed25519?: null; secp256k1: Uint8Array; bls12381?: null; mldsa65?: null; secp256k1eth?: null }|{ sum?: "bls12381"; ed25519?: null; secp256k1?: null; bls12381: Uint8Array; mldsa65?: null; secp256k1eth?: null }|{ sum?: "mldsa65"; ed25519?: null; secp256k1?: null; bls12381?: null; mldsa65: Uint8Array; secp256k1eth?: null }|{ sum?: "secp256k1eth"; ed25519?: null; secp256k1?: null; bls12381?: null; mldsa65?: null; secp256k1eth: Uint8Array })
            );
        }
    }

    /** Namespace types. */
    namespace types {

        /** SignedMsgType enum. */
        enum SignedMsgType {

            /** SIGNED_MSG_TYPE_UNKNOWN value */
            SIGNED_MSG_TYPE_UNKNOWN = 0,

            /** SIGNED_MSG_TYPE_PREVOTE value */
            SIGNED_MSG_TYPE_PREVOTE = 1,

            /** SIGNED_MSG_TYPE_PRECOMMIT value */
            SIGNED_MSG_TYPE_PRECOMMIT = 2,

            /** SIGNED_MSG_TYPE_PROPOSAL value */
            SIGNED_MSG_TYPE_PROPOSAL = 32
        }

        /**
         * Properties of a PartSetHeader.
         * @deprecated Use tendermint.types.PartSetHeader.$Properties instead.
         */
        interface IPartSetHeader extends tendermint.types.PartSetHeader.$Properties {
        }

        /** Represents a PartSetHeader. */
        class PartSetHeader {

            /**
             * Constructs a new PartSetHeader.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.PartSetHeader.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PartSetHeader total. */
            total: number;

            /** PartSetHeader hash. */
            hash: Uint8Array;

            /**
             * Creates a new PartSetHeader instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PartSetHeader instance
             */
            static create(properties: tendermint.types.PartSetHeader.$Shape): tendermint.types.PartSetHeader & tendermint.types.PartSetHeader.$Shape;
            static create(properties?: tendermint.types.PartSetHeader.$Properties): tendermint.types.PartSetHeader;

            /**
             * Encodes the specified PartSetHeader message. Does not implicitly {@link tendermint.types.PartSetHeader.verify|verify} messages.
             * @param message PartSetHeader message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.PartSetHeader.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PartSetHeader message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.PartSetHeader & tendermint.types.PartSetHeader.$Shape} PartSetHeader
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.PartSetHeader & tendermint.types.PartSetHeader.$Shape;
        }

        namespace PartSetHeader {

            /** Properties of a PartSetHeader. */
            interface $Properties {

                /** PartSetHeader total */
                total?: (number|null);

                /** PartSetHeader hash */
                hash?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PartSetHeader. */
            type $Shape = tendermint.types.PartSetHeader.$Properties;
        }

        /**
         * Properties of a BlockID.
         * @deprecated Use tendermint.types.BlockID.$Properties instead.
         */
        interface IBlockID extends tendermint.types.BlockID.$Properties {
        }

        /** Represents a BlockID. */
        class BlockID {

            /**
             * Constructs a new BlockID.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.BlockID.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** BlockID hash. */
            hash: Uint8Array;

            /** BlockID partSetHeader. */
            partSetHeader?: (tendermint.types.PartSetHeader.$Properties|null);

            /**
             * Creates a new BlockID instance using the specified properties.
             * @param [properties] Properties to set
             * @returns BlockID instance
             */
            static create(properties: tendermint.types.BlockID.$Shape): tendermint.types.BlockID & tendermint.types.BlockID.$Shape;
            static create(properties?: tendermint.types.BlockID.$Properties): tendermint.types.BlockID;

            /**
             * Encodes the specified BlockID message. Does not implicitly {@link tendermint.types.BlockID.verify|verify} messages.
             * @param message BlockID message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.BlockID.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a BlockID message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.BlockID & tendermint.types.BlockID.$Shape} BlockID
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.BlockID & tendermint.types.BlockID.$Shape;
        }

        namespace BlockID {

            /** Properties of a BlockID. */
            interface $Properties {

                /** BlockID hash */
                hash?: (Uint8Array|null);

                /** BlockID partSetHeader */
                partSetHeader?: (tendermint.types.PartSetHeader.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a BlockID. */
            type $Shape = tendermint.types.BlockID.$Properties;
        }

        /**
         * Properties of a Vote.
         * @deprecated Use tendermint.types.Vote.$Properties instead.
         */
        interface IVote extends tendermint.types.Vote.$Properties {
        }

        /** Represents a Vote. */
        class Vote {

            /**
             * Constructs a new Vote.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.Vote.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Vote type. */
            type: tendermint.types.SignedMsgType;

            /** Vote height. */
            height: (number|Long);

            /** Vote round. */
            round: number;

            /** Vote blockId. */
            blockId?: (tendermint.types.BlockID.$Properties|null);

            /** Vote timestamp. */
            timestamp?: (google.protobuf.Timestamp.$Properties|null);

            /** Vote validatorAddress. */
            validatorAddress: Uint8Array;

            /** Vote validatorIndex. */
            validatorIndex: number;

            /** Vote signature. */
            signature: Uint8Array;

            /** Vote extension. */
            extension: Uint8Array;

            /** Vote extensionSignature. */
            extensionSignature: Uint8Array;

            /**
             * Creates a new Vote instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Vote instance
             */
            static create(properties: tendermint.types.Vote.$Shape): tendermint.types.Vote & tendermint.types.Vote.$Shape;
            static create(properties?: tendermint.types.Vote.$Properties): tendermint.types.Vote;

            /**
             * Encodes the specified Vote message. Does not implicitly {@link tendermint.types.Vote.verify|verify} messages.
             * @param message Vote message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.Vote.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Vote message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.Vote & tendermint.types.Vote.$Shape} Vote
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.Vote & tendermint.types.Vote.$Shape;
        }

        namespace Vote {

            /** Properties of a Vote. */
            interface $Properties {

                /** Vote type */
                type?: (tendermint.types.SignedMsgType|null);

                /** Vote height */
                height?: (number|Long|null);

                /** Vote round */
                round?: (number|null);

                /** Vote blockId */
                blockId?: (tendermint.types.BlockID.$Properties|null);

                /** Vote timestamp */
                timestamp?: (google.protobuf.Timestamp.$Properties|null);

                /** Vote validatorAddress */
                validatorAddress?: (Uint8Array|null);

                /** Vote validatorIndex */
                validatorIndex?: (number|null);

                /** Vote signature */
                signature?: (Uint8Array|null);

                /** Vote extension */
                extension?: (Uint8Array|null);

                /** Vote extensionSignature */
                extensionSignature?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Vote. */
            type $Shape = tendermint.types.Vote.$Properties;
        }

        /**
         * Properties of a Proposal.
         * @deprecated Use tendermint.types.Proposal.$Properties instead.
         */
        interface IProposal extends tendermint.types.Proposal.$Properties {
        }

        /** Represents a Proposal. */
        class Proposal {

            /**
             * Constructs a new Proposal.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.Proposal.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Proposal type. */
            type: tendermint.types.SignedMsgType;

            /** Proposal height. */
            height: (number|Long);

            /** Proposal round. */
            round: number;

            /** Proposal polRound. */
            polRound: number;

            /** Proposal blockId. */
            blockId?: (tendermint.types.BlockID.$Properties|null);

            /** Proposal timestamp. */
            timestamp?: (google.protobuf.Timestamp.$Properties|null);

            /** Proposal signature. */
            signature: Uint8Array;

            /**
             * Creates a new Proposal instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Proposal instance
             */
            static create(properties: tendermint.types.Proposal.$Shape): tendermint.types.Proposal & tendermint.types.Proposal.$Shape;
            static create(properties?: tendermint.types.Proposal.$Properties): tendermint.types.Proposal;

            /**
             * Encodes the specified Proposal message. Does not implicitly {@link tendermint.types.Proposal.verify|verify} messages.
             * @param message Proposal message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.Proposal.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Proposal message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.Proposal & tendermint.types.Proposal.$Shape} Proposal
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.Proposal & tendermint.types.Proposal.$Shape;
        }

        namespace Proposal {

            /** Properties of a Proposal. */
            interface $Properties {

                /** Proposal type */
                type?: (tendermint.types.SignedMsgType|null);

                /** Proposal height */
                height?: (number|Long|null);

                /** Proposal round */
                round?: (number|null);

                /** Proposal polRound */
                polRound?: (number|null);

                /** Proposal blockId */
                blockId?: (tendermint.types.BlockID.$Properties|null);

                /** Proposal timestamp */
                timestamp?: (google.protobuf.Timestamp.$Properties|null);

                /** Proposal signature */
                signature?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Proposal. */
            type $Shape = tendermint.types.Proposal.$Properties;
        }

        /**
         * Properties of a CanonicalPartSetHeader.
         * @deprecated Use tendermint.types.CanonicalPartSetHeader.$Properties instead.
         */
        interface ICanonicalPartSetHeader extends tendermint.types.CanonicalPartSetHeader.$Properties {
        }

        /** Represents a CanonicalPartSetHeader. */
        class CanonicalPartSetHeader {

            /**
             * Constructs a new CanonicalPartSetHeader.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.CanonicalPartSetHeader.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CanonicalPartSetHeader total. */
            total: number;

            /** CanonicalPartSetHeader hash. */
            hash: Uint8Array;

            /**
             * Creates a new CanonicalPartSetHeader instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CanonicalPartSetHeader instance
             */
            static create(properties: tendermint.types.CanonicalPartSetHeader.$Shape): tendermint.types.CanonicalPartSetHeader & tendermint.types.CanonicalPartSetHeader.$Shape;
            static create(properties?: tendermint.types.CanonicalPartSetHeader.$Properties): tendermint.types.CanonicalPartSetHeader;

            /**
             * Encodes the specified CanonicalPartSetHeader message. Does not implicitly {@link tendermint.types.CanonicalPartSetHeader.verify|verify} messages.
             * @param message CanonicalPartSetHeader message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.CanonicalPartSetHeader.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CanonicalPartSetHeader message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.CanonicalPartSetHeader & tendermint.types.CanonicalPartSetHeader.$Shape} CanonicalPartSetHeader
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.CanonicalPartSetHeader & tendermint.types.CanonicalPartSetHeader.$Shape;
        }

        namespace CanonicalPartSetHeader {

            /** Properties of a CanonicalPartSetHeader. */
            interface $Properties {

                /** CanonicalPartSetHeader total */
                total?: (number|null);

                /** CanonicalPartSetHeader hash */
                hash?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CanonicalPartSetHeader. */
            type $Shape = tendermint.types.CanonicalPartSetHeader.$Properties;
        }

        /**
         * Properties of a CanonicalBlockID.
         * @deprecated Use tendermint.types.CanonicalBlockID.$Properties instead.
         */
        interface ICanonicalBlockID extends tendermint.types.CanonicalBlockID.$Properties {
        }

        /** Represents a CanonicalBlockID. */
        class CanonicalBlockID {

            /**
             * Constructs a new CanonicalBlockID.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.CanonicalBlockID.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CanonicalBlockID hash. */
            hash: Uint8Array;

            /** CanonicalBlockID partSetHeader. */
            partSetHeader?: (tendermint.types.CanonicalPartSetHeader.$Properties|null);

            /**
             * Creates a new CanonicalBlockID instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CanonicalBlockID instance
             */
            static create(properties: tendermint.types.CanonicalBlockID.$Shape): tendermint.types.CanonicalBlockID & tendermint.types.CanonicalBlockID.$Shape;
            static create(properties?: tendermint.types.CanonicalBlockID.$Properties): tendermint.types.CanonicalBlockID;

            /**
             * Encodes the specified CanonicalBlockID message. Does not implicitly {@link tendermint.types.CanonicalBlockID.verify|verify} messages.
             * @param message CanonicalBlockID message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.CanonicalBlockID.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CanonicalBlockID message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.CanonicalBlockID & tendermint.types.CanonicalBlockID.$Shape} CanonicalBlockID
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.CanonicalBlockID & tendermint.types.CanonicalBlockID.$Shape;
        }

        namespace CanonicalBlockID {

            /** Properties of a CanonicalBlockID. */
            interface $Properties {

                /** CanonicalBlockID hash */
                hash?: (Uint8Array|null);

                /** CanonicalBlockID partSetHeader */
                partSetHeader?: (tendermint.types.CanonicalPartSetHeader.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CanonicalBlockID. */
            type $Shape = tendermint.types.CanonicalBlockID.$Properties;
        }

        /**
         * Properties of a CanonicalVote.
         * @deprecated Use tendermint.types.CanonicalVote.$Properties instead.
         */
        interface ICanonicalVote extends tendermint.types.CanonicalVote.$Properties {
        }

        /** Represents a CanonicalVote. */
        class CanonicalVote {

            /**
             * Constructs a new CanonicalVote.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.CanonicalVote.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CanonicalVote type. */
            type: tendermint.types.SignedMsgType;

            /** CanonicalVote height. */
            height: (number|Long);

            /** CanonicalVote round. */
            round: (number|Long);

            /** CanonicalVote blockId. */
            blockId?: (tendermint.types.CanonicalBlockID.$Properties|null);

            /** CanonicalVote timestamp. */
            timestamp?: (google.protobuf.Timestamp.$Properties|null);

            /** CanonicalVote chainId. */
            chainId: string;

            /**
             * Creates a new CanonicalVote instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CanonicalVote instance
             */
            static create(properties: tendermint.types.CanonicalVote.$Shape): tendermint.types.CanonicalVote & tendermint.types.CanonicalVote.$Shape;
            static create(properties?: tendermint.types.CanonicalVote.$Properties): tendermint.types.CanonicalVote;

            /**
             * Encodes the specified CanonicalVote message. Does not implicitly {@link tendermint.types.CanonicalVote.verify|verify} messages.
             * @param message CanonicalVote message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.CanonicalVote.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CanonicalVote message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.CanonicalVote & tendermint.types.CanonicalVote.$Shape} CanonicalVote
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.CanonicalVote & tendermint.types.CanonicalVote.$Shape;
        }

        namespace CanonicalVote {

            /** Properties of a CanonicalVote. */
            interface $Properties {

                /** CanonicalVote type */
                type?: (tendermint.types.SignedMsgType|null);

                /** CanonicalVote height */
                height?: (number|Long|null);

                /** CanonicalVote round */
                round?: (number|Long|null);

                /** CanonicalVote blockId */
                blockId?: (tendermint.types.CanonicalBlockID.$Properties|null);

                /** CanonicalVote timestamp */
                timestamp?: (google.protobuf.Timestamp.$Properties|null);

                /** CanonicalVote chainId */
                chainId?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CanonicalVote. */
            type $Shape = tendermint.types.CanonicalVote.$Properties;
        }

        /**
         * Properties of a CanonicalProposal.
         * @deprecated Use tendermint.types.CanonicalProposal.$Properties instead.
         */
        interface ICanonicalProposal extends tendermint.types.CanonicalProposal.$Properties {
        }

        /** Represents a CanonicalProposal. */
        class CanonicalProposal {

            /**
             * Constructs a new CanonicalProposal.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.CanonicalProposal.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CanonicalProposal type. */
            type: tendermint.types.SignedMsgType;

            /** CanonicalProposal height. */
            height: (number|Long);

            /** CanonicalProposal round. */
            round: (number|Long);

            /** CanonicalProposal polRound. */
            polRound: (number|Long);

            /** CanonicalProposal blockId. */
            blockId?: (tendermint.types.CanonicalBlockID.$Properties|null);

            /** CanonicalProposal timestamp. */
            timestamp?: (google.protobuf.Timestamp.$Properties|null);

            /** CanonicalProposal chainId. */
            chainId: string;

            /**
             * Creates a new CanonicalProposal instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CanonicalProposal instance
             */
            static create(properties: tendermint.types.CanonicalProposal.$Shape): tendermint.types.CanonicalProposal & tendermint.types.CanonicalProposal.$Shape;
            static create(properties?: tendermint.types.CanonicalProposal.$Properties): tendermint.types.CanonicalProposal;

            /**
             * Encodes the specified CanonicalProposal message. Does not implicitly {@link tendermint.types.CanonicalProposal.verify|verify} messages.
             * @param message CanonicalProposal message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.CanonicalProposal.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CanonicalProposal message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.CanonicalProposal & tendermint.types.CanonicalProposal.$Shape} CanonicalProposal
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.CanonicalProposal & tendermint.types.CanonicalProposal.$Shape;
        }

        namespace CanonicalProposal {

            /** Properties of a CanonicalProposal. */
            interface $Properties {

                /** CanonicalProposal type */
                type?: (tendermint.types.SignedMsgType|null);

                /** CanonicalProposal height */
                height?: (number|Long|null);

                /** CanonicalProposal round */
                round?: (number|Long|null);

                /** CanonicalProposal polRound */
                polRound?: (number|Long|null);

                /** CanonicalProposal blockId */
                blockId?: (tendermint.types.CanonicalBlockID.$Properties|null);

                /** CanonicalProposal timestamp */
                timestamp?: (google.protobuf.Timestamp.$Properties|null);

                /** CanonicalProposal chainId */
                chainId?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CanonicalProposal. */
            type $Shape = tendermint.types.CanonicalProposal.$Properties;
        }

        /**
         * Properties of a CanonicalVoteExtension.
         * @deprecated Use tendermint.types.CanonicalVoteExtension.$Properties instead.
         */
        interface ICanonicalVoteExtension extends tendermint.types.CanonicalVoteExtension.$Properties {
        }

        /** Represents a CanonicalVoteExtension. */
        class CanonicalVoteExtension {

            /**
             * Constructs a new CanonicalVoteExtension.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.types.CanonicalVoteExtension.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CanonicalVoteExtension extension. */
            extension: Uint8Array;

            /** CanonicalVoteExtension height. */
            height: (number|Long);

            /** CanonicalVoteExtension round. */
            round: (number|Long);

            /** CanonicalVoteExtension chainId. */
            chainId: string;

            /**
             * Creates a new CanonicalVoteExtension instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CanonicalVoteExtension instance
             */
            static create(properties: tendermint.types.CanonicalVoteExtension.$Shape): tendermint.types.CanonicalVoteExtension & tendermint.types.CanonicalVoteExtension.$Shape;
            static create(properties?: tendermint.types.CanonicalVoteExtension.$Properties): tendermint.types.CanonicalVoteExtension;

            /**
             * Encodes the specified CanonicalVoteExtension message. Does not implicitly {@link tendermint.types.CanonicalVoteExtension.verify|verify} messages.
             * @param message CanonicalVoteExtension message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.types.CanonicalVoteExtension.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CanonicalVoteExtension message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.types.CanonicalVoteExtension & tendermint.types.CanonicalVoteExtension.$Shape} CanonicalVoteExtension
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.types.CanonicalVoteExtension & tendermint.types.CanonicalVoteExtension.$Shape;
        }

        namespace CanonicalVoteExtension {

            /** Properties of a CanonicalVoteExtension. */
            interface $Properties {

                /** CanonicalVoteExtension extension */
                extension?: (Uint8Array|null);

                /** CanonicalVoteExtension height */
                height?: (number|Long|null);

                /** CanonicalVoteExtension round */
                round?: (number|Long|null);

                /** CanonicalVoteExtension chainId */
                chainId?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CanonicalVoteExtension. */
            type $Shape = tendermint.types.CanonicalVoteExtension.$Properties;
        }
    }

    /** Namespace p2p. */
    namespace p2p {

        /**
         * Properties of an EphemeralKeyMessage.
         * @deprecated Use tendermint.p2p.EphemeralKeyMessage.$Properties instead.
         */
        interface IEphemeralKeyMessage extends tendermint.p2p.EphemeralKeyMessage.$Properties {
        }

        /** Represents an EphemeralKeyMessage. */
        class EphemeralKeyMessage {

            /**
             * Constructs a new EphemeralKeyMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.p2p.EphemeralKeyMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** EphemeralKeyMessage value. */
            value: Uint8Array;

            /**
             * Creates a new EphemeralKeyMessage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns EphemeralKeyMessage instance
             */
            static create(properties: tendermint.p2p.EphemeralKeyMessage.$Shape): tendermint.p2p.EphemeralKeyMessage & tendermint.p2p.EphemeralKeyMessage.$Shape;
            static create(properties?: tendermint.p2p.EphemeralKeyMessage.$Properties): tendermint.p2p.EphemeralKeyMessage;

            /**
             * Encodes the specified EphemeralKeyMessage message. Does not implicitly {@link tendermint.p2p.EphemeralKeyMessage.verify|verify} messages.
             * @param message EphemeralKeyMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.p2p.EphemeralKeyMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an EphemeralKeyMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.p2p.EphemeralKeyMessage & tendermint.p2p.EphemeralKeyMessage.$Shape} EphemeralKeyMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.p2p.EphemeralKeyMessage & tendermint.p2p.EphemeralKeyMessage.$Shape;
        }

        namespace EphemeralKeyMessage {

            /** Properties of an EphemeralKeyMessage. */
            interface $Properties {

                /** EphemeralKeyMessage value */
                value?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an EphemeralKeyMessage. */
            type $Shape = tendermint.p2p.EphemeralKeyMessage.$Properties;
        }

        /**
         * Properties of an AuthSigMessage.
         * @deprecated Use tendermint.p2p.AuthSigMessage.$Properties instead.
         */
        interface IAuthSigMessage extends tendermint.p2p.AuthSigMessage.$Properties {
        }

        /** Represents an AuthSigMessage. */
        class AuthSigMessage {

            /**
             * Constructs a new AuthSigMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: tendermint.p2p.AuthSigMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** AuthSigMessage pubKey. */
            pubKey?: (tendermint.crypto.PublicKey.$Properties|null);

            /** AuthSigMessage sig. */
            sig: Uint8Array;

            /**
             * Creates a new AuthSigMessage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns AuthSigMessage instance
             */
            static create(properties: tendermint.p2p.AuthSigMessage.$Shape): tendermint.p2p.AuthSigMessage & tendermint.p2p.AuthSigMessage.$Shape;
            static create(properties?: tendermint.p2p.AuthSigMessage.$Properties): tendermint.p2p.AuthSigMessage;

            /**
             * Encodes the specified AuthSigMessage message. Does not implicitly {@link tendermint.p2p.AuthSigMessage.verify|verify} messages.
             * @param message AuthSigMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tendermint.p2p.AuthSigMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an AuthSigMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tendermint.p2p.AuthSigMessage & tendermint.p2p.AuthSigMessage.$Shape} AuthSigMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tendermint.p2p.AuthSigMessage & tendermint.p2p.AuthSigMessage.$Shape;
        }

        namespace AuthSigMessage {

            /** Properties of an AuthSigMessage. */
            interface $Properties {

                /** AuthSigMessage pubKey */
                pubKey?: (tendermint.crypto.PublicKey.$Properties|null);

                /** AuthSigMessage sig */
                sig?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an AuthSigMessage. */
            type $Shape = {
              pubKey?: tendermint.crypto.PublicKey.$Shape|null;
              sig?: Uint8Array|null;
              $unknowns?: Uint8Array[];
            };
        }
    }
}

/** Namespace google. */
export namespace google {

    /** Namespace protobuf. */
    namespace protobuf {

        /**
         * Properties of a Timestamp.
         * @deprecated Use google.protobuf.Timestamp.$Properties instead.
         */
        interface ITimestamp extends google.protobuf.Timestamp.$Properties {
        }

        /** Represents a Timestamp. */
        class Timestamp {

            /**
             * Constructs a new Timestamp.
             * @param [properties] Properties to set
             */
            constructor(properties?: google.protobuf.Timestamp.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Timestamp seconds. */
            seconds: (number|Long);

            /** Timestamp nanos. */
            nanos: number;

            /**
             * Creates a new Timestamp instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Timestamp instance
             */
            static create(properties: google.protobuf.Timestamp.$Shape): google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape;
            static create(properties?: google.protobuf.Timestamp.$Properties): google.protobuf.Timestamp;

            /**
             * Encodes the specified Timestamp message. Does not implicitly {@link google.protobuf.Timestamp.verify|verify} messages.
             * @param message Timestamp message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: google.protobuf.Timestamp.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Timestamp message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape} Timestamp
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape;
        }

        namespace Timestamp {

            /** Properties of a Timestamp. */
            interface $Properties {

                /** Timestamp seconds */
                seconds?: (number|Long|null);

                /** Timestamp nanos */
                nanos?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Timestamp. */
            type $Shape = google.protobuf.Timestamp.$Properties;
        }
    }
}
