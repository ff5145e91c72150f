"""Drives a YubiHSM 2 at the connector of argv[1] with Yubico's own client, and prints as JSON what it found.

The device has to be in its factory state; afterwards it is again. What is right and what is wrong is decided
by the test that reads the JSON, except for cryptography: signatures are verified here, by OpenSSL.
"""

import json
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from yubihsm import YubiHsm
from yubihsm.defs import ALGORITHM, AUDIT, CAPABILITY, COMMAND, OBJECT
from yubihsm.exceptions import YubiHsmDeviceError, YubiHsmError
from yubihsm.objects import (
    AsymmetricKey,
    AttestationExtensions,
    AuthenticationKey,
    HmacKey,
    Opaque,
    WrapKey,
)

# RFC 8032, 7.1, TEST 1 and TEST 3: seed, public key.
SEED_1 = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
SEED_3 = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")

# A wrapped object and its wrap key, made by other tools.
WRAP_KEY = bytes.fromhex("21a6ca8cfd5dbe9c26320b5c4935ff1e63b9ab54e2dfe24f66677aba8852be13")
BLOB = bytes.fromhex(
    "000102030405060708090a0b0c748d4e6af7fbefa643b64d5de01cfb849ff17fe0d6ddeba81979957ce3eb8409f1a9e9"
    "be13f4b9f244a9d8c7ae154b84927d408c4ab42f9e9b4d208233897f3df015ac54c1c3af5e44df1fe7402facbd437843"
    "a07e4eb3353008a2410f1eedbb334c4f72fd614839da12e2698877e313c9c1a6b961973f0a0aea5880c6ad4310983ea0"
    "bc3c3d7f9cc90b6e4bcdd6f9aa6f6b8280ed03034b239993b9a67c1db17e484974d2a7c47df0ce81"
)

ALL = CAPABILITY.ALL
NONE = CAPABILITY.NONE
SIGN = CAPABILITY.SIGN_EDDSA
EXPORTABLE = CAPABILITY.EXPORTABLE_UNDER_WRAP


def outcome(action):
    """`ok`, or the error by the name the client gives it."""
    try:
        action()
        return "ok"
    except YubiHsmDeviceError as error:
        return error.code.name
    except YubiHsmError as error:
        return type(error).__name__


def verifies(check):
    try:
        check()
        return True
    except InvalidSignature:
        return False


def raw(public_key):
    return public_key.public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    ).hex()


def device(hsm, session):
    info = hsm.get_device_info()
    storage = session.send_secure_cmd(COMMAND.GET_STORAGE_INFO)
    return {
        "version": list(info.version),
        "serial": info.serial,
        "logSize": info.log_size,
        "logUsed": info.log_used,
        "algorithms": len(info.supported_algorithms),
        "partNumber": info.part_number,
        "storage": [int.from_bytes(storage[at : at + 2], "big") for at in range(0, 10, 2)],
        "randomBytes": len(session.get_pseudo_random(40)),
        "blink": outcome(lambda: session.send_secure_cmd(COMMAND.BLINK_DEVICE, b"\1")),
        "plainEcho": hsm.send_cmd(COMMAND.ECHO, b"plain").decode(),
        "longestEcho": len(session.send_secure_cmd(COMMAND.ECHO, os.urandom(3000))),
    }


def sessions(hsm, session):
    def fill():
        opened = []
        try:
            for _ in range(16):
                opened.append(hsm.create_session_derived(1, "password"))
        finally:
            fill.opened = len(opened)
            for other in opened:
                other.close()

    private_key = ec.generate_private_key(ec.SECP256R1())
    key = AuthenticationKey.put_public_key(
        session, 0x3F, "asymmetric", 1, NONE, NONE, private_key.public_key()
    )
    other_key = ec.generate_private_key(ec.SECP256R1())
    pinned = hsm.get_device_public_key()
    with hsm.create_session_asymmetric(key.id, private_key, pinned) as asymmetric:
        echo = asymmetric.send_secure_cmd(COMMAND.ECHO, b"asymmetric").decode()
    return {
        "asymmetricEcho": echo,
        "sixteenMore": outcome(fill),
        "openedBeforeFull": fill.opened,
        "unknownKey": outcome(lambda: hsm.create_session_derived(0x77, "password")),
        "wrongPassword": outcome(lambda: hsm.create_session_derived(1, "passwort")),
        "wrongPrivateKey": outcome(
            lambda: hsm.create_session_asymmetric(key.id, other_key, pinned)
        ),
        "wrongDeviceKey": outcome(
            lambda: hsm.create_session_asymmetric(key.id, private_key, other_key.public_key())
        ),
        "delete": outcome(key.delete),
    }


def authentication_keys(hsm, session):
    # A letter that looks the same in two encodings, neither of which may be normalised.
    password = "ππ\u1f79 pw"
    signer = AuthenticationKey.put_derived(
        session, 0x04, "validator", 1, SIGN | CAPABILITY.CHANGE_AUTHENTICATION_KEY, NONE, password
    )
    key = AsymmetricKey.generate(session, 0x64, "consensus", 1, SIGN, ALGORITHM.EC_ED25519)
    hidden = AsymmetricKey.generate(session, 0x65, "elsewhere", 2, SIGN, ALGORITHM.EC_ED25519)
    mute = AsymmetricKey.generate(session, 0x66, "mute", 1, NONE, ALGORITHM.EC_ED25519)
    found = {"lookAlike": outcome(lambda: hsm.create_session_derived(4, "ππ\u03cc pw"))}
    with hsm.create_session_derived(4, password) as own:
        found |= {
            "signs": outcome(lambda: key.with_session(own).sign_eddsa(b"x")),
            "otherDomain": outcome(lambda: hidden.with_session(own).sign_eddsa(b"x")),
            "keyMayNot": outcome(lambda: mute.with_session(own).sign_eddsa(b"x")),
            "random": outcome(lambda: own.get_pseudo_random(4)),
            "deletes": outcome(lambda: key.with_session(own).delete()),
            "resets": outcome(lambda: own.send_secure_cmd(COMMAND.RESET_DEVICE)),
            "sees": sorted([item.id, int(item.object_type)] for item in own.list_objects()),
            "changeOwn": outcome(lambda: signer.with_session(own).change_password("second")),
        }
    found["changeOther"] = outcome(lambda: signer.change_password("third"))
    found["firstPassword"] = outcome(lambda: hsm.create_session_derived(4, password))
    found["secondPassword"] = outcome(lambda: hsm.create_session_derived(4, "second").close())
    for item in (signer, key, hidden, mute):
        item.delete()
    return found


def signatures(_hsm, session):
    def ecdsa(curve, algorithm):
        key = AsymmetricKey.generate(
            session, 0, "ecdsa", 1, CAPABILITY.SIGN_ECDSA, algorithm
        )
        public_key = key.get_public_key()
        signature = key.sign_ecdsa(b"message")
        key.delete()
        right = verifies(lambda: public_key.verify(signature, b"message", ec.ECDSA(hashes.SHA256())))
        return [public_key.curve.name == curve.name, right]

    imported = AsymmetricKey.put(
        session, 0, "rfc", 1, SIGN, ed25519.Ed25519PrivateKey.from_private_bytes(SEED_3)
    )
    made = AsymmetricKey.generate(session, 0, "made", 1, SIGN, ALGORITHM.EC_ED25519)
    message = os.urandom(2019)
    found = {
        "rfcPublicKey": raw(imported.get_public_key()),
        "rfcSignature": imported.sign_eddsa(b"\xaf\x82").hex(),
        "longMessageVerifies": verifies(
            lambda: made.get_public_key().verify(made.sign_eddsa(message), message)
        ),
        "p256": ecdsa(ec.SECP256R1(), ALGORITHM.EC_P256),
        "secp256k1": ecdsa(ec.SECP256K1(), ALGORITHM.EC_K256),
        "ecdsaByEd25519": outcome(lambda: made.sign_ecdsa(b"message")),
        "origins": [int(key.get_info().origin) for key in (imported, made)],
    }
    imported.delete()
    made.delete()
    hmac_key = HmacKey.put(
        session, 0, "hmac", 1, CAPABILITY.SIGN_HMAC | CAPABILITY.VERIFY_HMAC, b"Jefe"
    )
    tag = hmac_key.sign_hmac(b"what do ya want for nothing?")
    found["hmac"] = tag.hex()
    found["hmacVerifies"] = [
        hmac_key.verify_hmac(tag, b"what do ya want for nothing?"),
        hmac_key.verify_hmac(tag, b"something else"),
    ]
    hmac_key.delete()
    return found


def wrapping(_hsm, session):
    both = CAPABILITY.EXPORT_WRAPPED | CAPABILITY.IMPORT_WRAPPED
    aes256 = ALGORITHM.AES256_CCM_WRAP
    wrap_key = WrapKey.put(session, 1, "primary", 1, both, aes256, SIGN | EXPORTABLE, WRAP_KEY)
    key = wrap_key.import_wrapped(BLOB)
    info = key.get_info()
    found = {
        "imported": [key.id, int(key.object_type), info.label, info.domains, int(info.origin)],
        "publicKey": raw(key.get_public_key()),
        "signature": key.sign_eddsa(b"").hex(),
        "importOver": outcome(lambda: wrap_key.import_wrapped(BLOB)),
        "damaged": outcome(lambda: wrap_key.import_wrapped(BLOB[:-1] + bytes([BLOB[-1] ^ 1]))),
    }
    exported = wrap_key.export_wrapped(key)
    found["plaintext"] = AESCCM(WRAP_KEY, 16).decrypt(exported[:13], exported[13:], None).hex()
    key.delete()
    found["restored"] = outcome(lambda: wrap_key.import_wrapped(exported))
    found["signatureRestored"] = key.sign_eddsa(b"").hex()
    locked = AsymmetricKey.generate(session, 0, "stays", 1, SIGN, ALGORITHM.EC_ED25519)
    found["notExportable"] = outcome(lambda: wrap_key.export_wrapped(locked))
    poor = WrapKey.generate(session, 0, "poor", 1, both, aes256, NONE)
    found["notDelegated"] = outcome(lambda: poor.export_wrapped(key))
    found["otherWrapKey"] = outcome(lambda: poor.import_wrapped(exported))
    data_key = WrapKey.generate(
        session, 0, "data", 1, CAPABILITY.WRAP_DATA | CAPABILITY.UNWRAP_DATA, aes256, NONE
    )
    found["data"] = data_key.unwrap_data(data_key.wrap_data(b"data")).decode()
    for item in (wrap_key, key, locked, poor, data_key):
        item.delete()
    return found


def log(hsm, session):
    key = AsymmetricKey.generate(session, 0x64, "logged", 1, SIGN, ALGORITHM.EC_ED25519)
    _, _, before = session.get_log_entries()
    session.set_log_index(before[-1].number)
    session.set_command_audit({COMMAND.SIGN_EDDSA: AUDIT.ON, COMMAND.SET_LOG_INDEX: AUDIT.ON})
    for _ in range(3):
        key.sign_eddsa(b"x")
    # The client checks numbers and digests from the entry it is given on.
    boots, auths, entries = session.get_log_entries(before[-1])
    last = entries[-1]
    found = {
        "first": [entry.data.hex() for entry in before],
        "commands": [[entry.command.name, entry.target_key, entry.result] for entry in entries],
        "unlogged": [boots, auths],
    }
    session.set_log_index(last.number)
    session.set_force_audit(AUDIT.ON)
    while hsm.get_device_info().log_used < 62:
        key.sign_eddsa(b"x")
    found["whenFull"] = outcome(lambda: key.sign_eddsa(b"x"))
    found["echoWhenFull"] = outcome(lambda: session.send_secure_cmd(COMMAND.ECHO, b"x"))
    found["sessionWhenFull"] = outcome(lambda: hsm.create_session_derived(1, "password").close())
    _, _, entries = session.get_log_entries(last)
    found["drained"] = [len(entries), (entries[0].number - last.number) & 0xFFFF]
    session.set_log_index(entries[-1].number)
    found["afterDraining"] = outcome(lambda: key.sign_eddsa(b"x"))
    _, _, rest = session.get_log_entries(entries[-1])
    found["rest"] = [entry.command.name for entry in rest]
    session.set_force_audit(AUDIT.OFF)
    found["forceAudit"] = session.get_force_audit().name
    audit = session.get_command_audit()
    found["audited"] = sorted(int(command) for command, mode in audit.items() if mode)
    session.set_command_audit({COMMAND.SIGN_EDDSA: AUDIT.OFF, COMMAND.SET_LOG_INDEX: AUDIT.FIXED})
    found["undoFixed"] = outcome(
        lambda: session.set_command_audit({COMMAND.SET_LOG_INDEX: AUDIT.OFF})
    )
    key.delete()
    return found


def objects(_hsm, session):
    label = "🙂 label"
    data = os.urandom(1900)
    opaque = Opaque.put(session, 0x10, label, 0xFFFF, NONE, ALGORITHM.OPAQUE_DATA, data)
    found = {
        "sameData": opaque.get() == data,
        "info": [
            opaque.get_info().label,
            opaque.get_info().size,
            opaque.get_info().domains,
            opaque.get_info().sequence,
        ],
        "byLabel": [item.id for item in session.list_objects(label=label)],
        "byDomain": [item.id for item in session.list_objects(domains=2)],
        "byNothingElse": len(session.list_objects(object_id=0x10, algorithm=ALGORITHM.EC_P256)),
        "again": outcome(
            lambda: Opaque.put(session, 0x10, "", 1, NONE, ALGORITHM.OPAQUE_DATA, b"x")
        ),
        "reserved": outcome(
            lambda: Opaque.put(session, 0xFFFF, "", 1, NONE, ALGORITHM.OPAQUE_DATA, b"x")
        ),
    }
    opaque.delete()
    found["gone"] = outcome(opaque.get)
    again = Opaque.put(session, 0x10, "", 1, NONE, ALGORITHM.OPAQUE_DATA, b"x")
    found["sequence"] = again.get_info().sequence
    again.delete()
    found["unknownCommand"] = outcome(lambda: session.send_secure_cmd(0x7E))
    found["unknownOption"] = outcome(lambda: session.get_option(0x05))
    found["shortCommand"] = outcome(lambda: session.send_secure_cmd(COMMAND.GET_OPAQUE, b"\0"))
    return found


def attestation(hsm, session):
    key = AsymmetricKey.generate(session, 0x64, "consensus", 1, SIGN, ALGORITHM.EC_ED25519)
    certificate = key.attest()
    attester = Opaque(session, 0).get_certificate()
    said = AttestationExtensions.parse(certificate)
    found = {
        "verifies": verifies(
            lambda: attester.public_key().verify(
                certificate.signature,
                certificate.tbs_certificate_bytes,
                ec.ECDSA(certificate.signature_hash_algorithm),
            )
        ),
        "sameKey": certificate.public_key() == key.get_public_key(),
        "said": [
            list(said.firmware_version),
            said.serial == hsm.get_device_info().serial,
            int(said.origin),
            said.domains,
            int(said.capabilities),
            said.object_id,
            said.label,
        ],
    }
    key.delete()
    return found


def reset(url, session):
    session.reset_device()
    with YubiHsm.connect(url) as hsm:
        with hsm.create_session_derived(1, "password") as fresh:
            info = fresh.get_object(1, OBJECT.AUTHENTICATION_KEY).get_info()
            return {
                "oldSession": outcome(lambda: session.get_pseudo_random(1))
                if session.sid is not None
                else "closed",
                "objects": len(fresh.list_objects()),
                "label": info.label,
                "rights": hex(info.capabilities),
                "audited": sum(1 for mode in fresh.get_command_audit().values() if mode),
            }


def main(url):
    found = {}
    with YubiHsm.connect(url) as hsm:
        session = hsm.create_session_derived(1, "password")
        parts = (
            device, sessions, authentication_keys, signatures, wrapping, log, objects, attestation
        )
        for part in parts:
            found[part.__name__] = part(hsm, session)
        found["left"] = [[item.id, int(item.object_type)] for item in session.list_objects()]
        found["reset"] = reset(url, session)
    json.dump(found, sys.stdout)


main(sys.argv[1])
