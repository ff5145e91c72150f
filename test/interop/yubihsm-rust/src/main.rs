//! `yubihsm-rust PORT`: drives the YubiHSM 2 behind `http://127.0.0.1:PORT`, which is in its factory state,
//! through the commands of the crate's client, and then sets it up as tmkms does.
//!
//! Prints a line `name value` for everything it finds; bytes are in hexadecimal.

use std::process::ExitCode;
use yubihsm::authentication::{self, Credentials};
use yubihsm::client::Error;
use yubihsm::connector::HttpConfig;
use yubihsm::object::{Filter, Type};
use yubihsm::setup::{erase_device_and_init_with_profile, Profile, Role};
use yubihsm::{asymmetric, hmac, opaque, wrap, Capability, Client, Connector, Domain};

/// RFC 8032, 7.1, TEST 3.
const SEED: [u8; 32] = [
    0xc5, 0xaa, 0x8d, 0xf4, 0x3f, 0x9f, 0x83, 0x7b, 0xed, 0xb7, 0x44, 0x2f, 0x31, 0xdc, 0xb7, 0xb1,
    0x66, 0xd3, 0x85, 0x35, 0x07, 0x6f, 0x09, 0x4b, 0x85, 0xce, 0x3a, 0x2e, 0x0b, 0x44, 0x58, 0xf7,
];

/// SHA-256 of nothing.
const DIGEST: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

const PASSWORD: &[u8] = b"password";
const KEY: Type = Type::AsymmetricKey;

fn main() -> ExitCode {
    let Some(port) = std::env::args().nth(1).and_then(|port| port.parse().ok()) else {
        eprintln!("usage: yubihsm-rust PORT");
        return ExitCode::from(2);
    };
    let connector = Connector::http(&HttpConfig { port, ..HttpConfig::default() });
    match drive(&connector).and_then(|()| set_up(&connector)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn drive(connector: &Connector) -> Result<(), Box<dyn std::error::Error>> {
    let credentials = Credentials::from_password(1, PASSWORD);
    let client = Client::open(connector.clone(), credentials, true)?;
    let info = client.device_info()?;
    say("serial", info.serial_number);
    say("version", format!("{}.{}.{}", info.major_version, info.minor_version, info.build_version));
    say("log", format!("{}/{}", info.log_store_used, info.log_store_capacity));
    say("echo", hex(&client.echo(b"echo".to_vec())?));
    say("random", client.get_pseudo_random(64)?.len());

    let (one, sign) = (Domain::DOM1, Capability::SIGN_EDDSA);
    let exportable = sign | Capability::EXPORTABLE_UNDER_WRAP;
    let ed25519 = asymmetric::Algorithm::Ed25519;
    client.put_asymmetric_key(0x64, "consensus".into(), one, exportable, ed25519, SEED.to_vec())?;
    say("public-key", hex(&client.get_public_key(0x64)?.into_vec()));
    let signature = client.sign_ed25519(0x64, vec![0xaf, 0x82])?;
    say("signature", hex(&signature.to_bytes()));

    let account = Capability::SIGN_ECDSA;
    let secp256k1 = asymmetric::Algorithm::EcK256;
    client.generate_asymmetric_key(0x65, "account".into(), one, account, secp256k1)?;
    say("account-key", hex(&client.get_public_key(0x65)?.into_vec()));
    say("account-signature", hex(&client.sign_ecdsa_prehash_raw(0x65, DIGEST.to_vec())?));

    let rights = Capability::EXPORT_WRAPPED | Capability::IMPORT_WRAPPED;
    let aes = wrap::Algorithm::Aes256Ccm;
    client.put_wrap_key(1, "primary".into(), one, rights, Capability::all(), aes, [7; 32])?;
    let wrapped = client.export_wrapped(1, KEY, 0x64)?;
    say("import-over", outcome(client.import_wrapped(1, wrapped.clone())));
    client.delete_object(0x64, KEY)?;
    let handle = client.import_wrapped(1, wrapped)?;
    say("restored", format!("{:#06x} {:?}", handle.object_id, handle.object_type));
    say("signature-restored", hex(&client.sign_ed25519(0x64, vec![0xaf, 0x82])?.to_bytes()));
    let restored = client.get_object_info(0x64, KEY)?;
    say("origin", format!("{:?}", restored.origin));
    say("label", restored.label);

    let both = Capability::SIGN_HMAC | Capability::VERIFY_HMAC;
    let sha256 = hmac::Algorithm::Sha256;
    client.put_hmac_key(2, "hmac".into(), one, both, sha256, [0x0b; 20])?;
    let tag = client.sign_hmac(2, b"Hi There".to_vec())?;
    say("hmac", hex(tag.as_slice()));
    let none = Capability::empty();
    client.put_opaque(3, "data".into(), one, none, opaque::Algorithm::Data, b"data".to_vec())?;
    say("opaque", hex(&client.get_opaque(3)?));
    say("keys", client.list_objects(&[Filter::Type(KEY)])?.len());
    say("attested", client.sign_attestation_certificate(0x64, None)?.as_slice().len() > 300);
    let log = client.get_log_entries()?;
    say("log-entries", format!("{} {}", log.num_entries, log.entries.len()));
    client.set_log_index(log.entries.last().map_or(0, |entry| entry.item))?;
    say("log-left", client.get_log_entries()?.num_entries);

    say("absent", outcome(client.sign_ed25519(0x99, vec![1])));
    say("may-not", outcome(client.sign_ecdsa_prehash_raw(0x64, vec![0; 32])));
    let limited = authentication::Key::derive_from_password(b"limited");
    let yubico = authentication::Algorithm::YubicoAes;
    client.put_authentication_key(9, "limited".into(), one, sign, none, yubico, limited)?;
    let signer = Client::open(connector.clone(), Credentials::from_password(9, b"limited"), true)?;
    say("limited-signs", outcome(signer.sign_ed25519(0x64, vec![1])));
    say("limited-resets", outcome(signer.delete_object(0x64, KEY)));
    let wrong = Client::open(connector.clone(), Credentials::from_password(9, PASSWORD), false);
    say("wrong-password", wrong.is_err());
    Ok(())
}

/// What `tmkms yubihsm setup` does: reset, wait, a temporary key, the roles, the wrap key, the report.
fn set_up(connector: &Connector) -> Result<(), Box<dyn std::error::Error>> {
    let admin = Credentials::from_password(1, b"admin");
    let validator = Credentials::from_password(4, b"validator");
    let rights = Capability::SIGN_EDDSA | Capability::GET_LOG_ENTRIES;
    let profile = Profile::default()
        .roles(vec![
            Role::new(admin.clone())
                .authentication_key_label("admin")
                .capabilities(Capability::all())
                .delegated_capabilities(Capability::all())
                .domains(Domain::all()),
            Role::new(validator.clone()).capabilities(rights).domains(Domain::DOM1),
        ])
        .wrap_keys(vec![wrap::Key::from_bytes(1, &[9; 32])?
            .label("primary".into())
            .domains(Domain::all())
            .capabilities(Capability::EXPORT_WRAPPED | Capability::IMPORT_WRAPPED)
            .delegated_capabilities(Capability::all())]);
    let factory = Credentials::from_password(1, PASSWORD);
    let report = erase_device_and_init_with_profile(connector.clone(), factory, profile)?;
    say("set-up", report.device_serial_number);
    let client = Client::open(connector.clone(), admin, false)?;
    let mut found: Vec<String> = client
        .list_objects(&[])?
        .iter()
        .map(|entry| format!("{:?}:{:04x}", entry.object_type, entry.object_id))
        .collect();
    found.sort();
    say("after-set-up", found.join(" "));
    say("validator", Client::open(connector.clone(), validator, false).is_ok());
    Ok(())
}

fn outcome<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => match error.device_error() {
            Some(kind) => format!("{kind:?}"),
            None => format!("{:?}", error.kind()),
        },
    }
}

fn say(name: &str, value: impl std::fmt::Display) {
    println!("{name} {value}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
