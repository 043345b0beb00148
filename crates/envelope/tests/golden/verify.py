#!/usr/bin/env python3
"""Opens the golden blobs with an implementation that shares nothing with the crate.

    python3 -m venv venv && venv/bin/pip install cryptography
    venv/bin/python verify.py

Written from the layout in the crate's README. Exits non-zero at the first disagreement.
"""

import hashlib
import hmac
import json
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CIPHERS = {0x0101: AESGCM, 0x0102: ChaCha20Poly1305}
PAYLOAD, DATA_KEY, BRANCH_KEY = 1, 2, 3


def hkdf(key, salt, info, length):
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(key)


def u64(number):
    return struct.pack(">Q", number)


def tlv(fields):
    encoded = bytes([1])
    for tag in sorted(fields):
        encoded += struct.pack(">BH", tag, len(fields[tag])) + fields[tag]
    return encoded


def unseal(key, blob, suite, purpose, context):
    header, body = blob[:72], blob[72:]
    prefix, salt, commitment = header[:8], header[8:40], header[40:]
    assert prefix == b"LKY1" + struct.pack(">HBB", suite, purpose, 0), "prefix"
    info = b"latchkey-vault/1\0" + prefix[4:] + hashlib.sha256(context).digest()
    okm = hkdf(key, salt, info, 76)
    assert hmac.compare_digest(okm[44:], commitment), "commitment"
    return CIPHERS[suite](okm[:32]).decrypt(okm[32:44], body, header + context)


def verify_turn(golden):
    key, nonce, sealed = (bytes.fromhex(golden[name]) for name in ("transcript_key", "nonce", "sealed"))
    form = bytes([golden["format"]])
    context = b"latchkey session turn" + form
    for name in (golden["data_key"], golden["session"]):
        context += struct.pack(">I", len(name)) + name.encode()
    context += u64(golden["turn"])
    assert sealed[:1] == form, "format"
    assert sealed[1:13] == nonce, "nonce"
    opened = AESGCM(key).decrypt(nonce, sealed[13:], context)
    assert opened == bytes.fromhex(golden["plaintext"]), "turn"


def verify_hierarchy(golden):
    suite = int(golden["suite"], 16)

    def raw(*names):
        value = golden
        for name in names:
            value = value[name]
        return bytes.fromhex(value)

    root = raw("root_key")
    root_id = hkdf(root, b"", b"latchkey-root-id/1\0", 16).hex()
    assert root_id == golden["root_key_id"], "root key id"

    owner = {1: raw("deployment"), 2: raw("workspace")}
    payload_fields = owner | {
        3: raw("key"),
        4: u64(golden["version"]),
        5: golden["provider"].encode(),
        6: golden["secret_kind"].encode(),
    }

    def wrapper_fields(level):
        return {7: raw(level, "id"), 8: u64(golden[level]["version"])}

    def root_fields(level):
        root_version = u64(golden["root_version"])
        return owner | wrapper_fields(level) | {11: root_id.encode(), 12: root_version}

    branch = unseal(root, raw("branch_key", "blob"), suite, BRANCH_KEY, tlv(root_fields("branch_key")))
    assert branch == raw("branch_key", "plaintext"), "branch key"

    data_fields = payload_fields | wrapper_fields("branch_key") | {
        9: u64(golden["data_key"]["wrap_revision"]),
        10: raw("payload", "blob")[40:72],
    }
    data = unseal(branch, raw("data_key", "blob"), suite, DATA_KEY, tlv(data_fields))
    assert data == raw("data_key", "plaintext"), "data key"

    payload = unseal(data, raw("payload", "blob"), suite, PAYLOAD, tlv(payload_fields))
    assert payload == raw("payload", "plaintext"), "payload"

    lookup_wrapping = hkdf(root, b"", b"latchkey-lookup-wrap/1\0", 32)
    lookup = unseal(
        lookup_wrapping, raw("lookup_key", "blob"), suite, BRANCH_KEY, tlv(root_fields("lookup_key"))
    )
    assert lookup == raw("lookup_key", "plaintext"), "lookup key"

    mac_key = hkdf(lookup, b"", b"latchkey-mac/1\0" + golden["mac"]["label"].encode(), 32)
    parts = [bytes.fromhex(part) for part in golden["mac"]["parts"]]
    message = b"".join(u64(len(part)) + part for part in parts)
    tag = hmac.new(mac_key, message, hashlib.sha256).digest()
    assert tag == raw("mac", "tag"), "mac"

    for level in ("payload", "data_key", "branch_key", "lookup_key"):
        assert raw(level, "blob")[8:40] == raw(level, "salt"), f"salt of {level}"


if __name__ == "__main__":
    files = sorted(pathlib.Path(__file__).parent.glob("*.json"))
    assert files, "no golden files"
    for file in files:
        golden = json.loads(file.read_text())
        if file.name.startswith("turn-"):
            verify_turn(golden)
        else:
            verify_hierarchy(golden)
        print(f"{file.name}: every blob opens")
