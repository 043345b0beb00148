#!/usr/bin/env python3
"""Records the requests of the official SDKs, and checks how they decode answers.

    # In a virtual environment:
    pip install openai==3.52.0 'anthropic[vertex]==2.11.0' google-genai==3.4.0 openrouter==1.3.84
    python record.py

Each case of calls/ is sent by the SDK to a server on loopback and written to
<dialect>/<case>.json as it arrived. Each <dialect>/answers/*.json, written by hand, is served to the
SDK; the SDK must decode it as the file states, and the file then names the SDK.
"""

import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True

import anthropic
import openai
import openrouter
from google import genai
from google.oauth2.credentials import Credentials

import calls
import google_calls
import google_readings
import media_calls
import media_readings
import readings

HERE = pathlib.Path(__file__).parent
KEY = "sk-golden-0123456789"
OPENAI = f"openai {openai.__version__}"
SDKS = {
    "openai_chat": OPENAI,
    "openai_responses": OPENAI,
    "anthropic": f"anthropic {anthropic.__version__}",
    "azure": OPENAI,
    "azure_classic": OPENAI,
    "deepseek": OPENAI,
    "openrouter": f"openrouter {openrouter.VERSION}",
    "openrouter_by_openai": OPENAI,
    "google": f"google-genai {genai.__version__}",
    "vertex": f"google-genai {genai.__version__}",
    "vertex_anthropic": f"anthropic {anthropic.__version__}",
    **media_calls.SDKS,
}
CASES = {**calls.CASES, **google_calls.CASES}
READERS = {**readings.READERS, **google_readings.READERS}
# The headers that identify the caller and the API version.
KEPT_HEADERS = [
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "anthropic-version",
    "anthropic-beta",
    "content-type",
]


class Recorder(BaseHTTPRequestHandler):
    """Keeps the last request and serves the next answer."""

    seen = None
    answer = (200, {"content-type": "application/json"}, b"{}")

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        headers = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        Recorder.seen = {
            "method": self.command,
            "path": self.path,
            "headers": headers,
            "body": json.loads(body) if body else None,
        }
        status, headers, content = Recorder.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *_):
        pass


def write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def record(folder, name, client, send, answer, clients):
    Recorder.seen = None
    Recorder.answer = answer
    try:
        send(clients[client])
    except Exception as error:  # each SDK has its own way to dislike the answer
        if Recorder.seen is None:
            raise RuntimeError(f"{folder}/{name} was not sent") from error
    (HERE / folder).mkdir(parents=True, exist_ok=True)
    write(HERE / folder / f"{name}.json", {"sdk": SDKS[client], "request": Recorder.seen})


def record_calls(clients):
    answers = {**calls.ANSWERS, **media_calls.ANSWERS}
    for dialect, cases in {**CASES, **media_calls.CASES}.items():
        folder = calls.FOLDERS.get(dialect, dialect)
        for name, send in cases.items():
            answer = answers.get(dialect, calls.REFUSAL)
            record(folder, name, dialect, send, answer, clients)
    for folder, cases in calls.OTHERS.items():
        for name, (client, send) in cases.items():
            record(folder, name, client, send, calls.REFUSAL, clients)


def check_answers(clients):
    failures = 0
    for dialect, read in READERS.items():
        for path in sorted((HERE / dialect / "answers").glob("*.json")):
            case = json.loads(path.read_text())
            if case.get("not_for_the_sdk"):
                continue
            if "sse" in case:
                content = "".join(case["sse"]).encode()
                kind = "text/event-stream"
            else:
                content = json.dumps(case["body"]).encode()
                kind = "application/json"
            Recorder.answer = (200, {"content-type": kind}, content)
            found = read(clients[dialect], "sse" in case)
            expected = readings.expected(case["answer"])
            expected = {name: expected.get(name) for name in found}
            if found != expected:
                failures += 1
                print(f"{dialect}/{path.name}: the SDK reads\n  {found}\nnot\n  {expected}")
                continue
            case["checked_with"] = SDKS[dialect]
            write(path, case)
    return failures + check_other_answers(clients)


def check_other_answers(clients):
    failures = 0
    for folder, read in readings.OTHERS.items():
        for path in sorted((HERE / folder / "answers").glob("*.json")):
            case = json.loads(path.read_text())
            if case.get("not_for_the_sdk"):
                continue
            client = case["client"]
            content = json.dumps(case["body"]).encode()
            Recorder.answer = (200, {"content-type": "application/json"}, content)
            found = read(client, clients[client])
            if found != case["read"]:
                failures += 1
                print(f"{folder}/{path.name}: the SDK reads\n  {found}\nnot\n  {case['read']}")
                continue
            case["checked_with"] = SDKS[client]
            write(path, case)
    return failures


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    openai_client = openai.OpenAI(api_key=KEY, base_url=f"{base}/v1", max_retries=0)
    clients = {
        "openai_chat": openai_client,
        "openai_responses": openai_client,
        "anthropic": anthropic.Anthropic(api_key=KEY, base_url=base, max_retries=0),
        "azure": openai.OpenAI(api_key=KEY, base_url=f"{base}/openai/v1", max_retries=0),
        "azure_classic": openai.AzureOpenAI(
            api_key=KEY, azure_endpoint=base, api_version="2024-10-21", max_retries=0
        ),
        "deepseek": openai.OpenAI(api_key=KEY, base_url=base, max_retries=0),
        "openrouter": openrouter.OpenRouter(
            api_key=KEY, server_url=f"{base}/api/v1", retry_config=None
        ),
        "openrouter_by_openai": openai.OpenAI(
            api_key=KEY, base_url=f"{base}/api/v1", max_retries=0
        ),
        # The API versions of Latchkey; the SDK's defaults differ.
        "google": genai.Client(
            api_key=KEY, http_options={"base_url": base, "api_version": "v1beta"}
        ),
        "vertex": genai.Client(
            enterprise=True,
            project="example-project",
            location="europe-west4",
            credentials=Credentials(token=KEY),
            http_options={"base_url": base, "api_version": "v1"},
        ),
        "vertex_anthropic": anthropic.AnthropicVertex(
            project_id="example-project",
            region="europe-west4",
            access_token=KEY,
            base_url=f"{base}/v1",
            max_retries=0,
        ),
    }
    media_clients = media_calls.clients(base)
    record_calls({**clients, **media_clients})
    failures = check_answers(clients)
    failures += media_readings.check(HERE, Recorder, media_clients, SDKS, write)
    server.shutdown()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
