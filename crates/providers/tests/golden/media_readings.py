"""Embeddings and images as decoded by the SDKs, in the form of the golden files."""

import base64
import json


def check(root, recorder, clients, sdks, write):
    """Serves each answer to its SDK, and counts those that are decoded differently from the file."""
    failures = 0
    for folder, client in clients.items():
        for path in sorted((root / folder / "answers").glob("*.json")):
            case = json.loads(path.read_text())
            if case.get("not_for_the_sdk"):
                continue
            content = json.dumps(case["body"]).encode()
            recorder.answer = (200, {"content-type": "application/json"}, content)
            found = READERS[folder](client, case)
            expected = expect(folder, case)
            if found != expected:
                failures += 1
                print(f"{folder}/{path.name}: the SDK reads\n  {found}\nnot\n  {expected}")
                continue
            case["checked_with"] = sdks[folder]
            write(path, case)
    return failures


def expect(folder, case):
    """Returns the part of a golden answer that the SDK can confirm."""
    answer = case.get("answer")
    if answer is None:
        return {"declined": case["error"]["code"]}
    usage = answer["usage"] or {}
    cost = answer["cost_nanos"]
    inputs = ("input", "cache_read", "cache_write", "image_input")
    read = {
        "input": sum(usage.get(name, 0) for name in inputs),
        "output": sum(usage.get(name, 0) for name in ("output", "reasoning", "image_output")),
        "cost_nanos": cost,
    }
    if folder.startswith("embeddings/"):
        return {"vectors": answer["vectors"], **read}
    return {"images": answer["images"], **read}


KINDS = {"png": "image/png", "svg": "image/svg+xml", "webp": "image/webp"}


def nanos(usage):
    cost = getattr(usage, "cost", None)
    return None if cost is None else round(cost * 1e9)


def read_openai_vectors(client, case):
    client = getattr(client, "v1", client)
    # The SDK keeps floats, although it requested base64.
    list_ = client.embeddings.create(model="m", input="x")
    data = sorted(list_.data, key=lambda item: item.index)
    return {
        "vectors": [item.embedding for item in data],
        "input": list_.usage.prompt_tokens,
        "output": 0,
        "cost_nanos": None,
    }


def read_openrouter_vectors(client, case):
    list_ = client.embeddings.generate(model="m", input="x")
    data = sorted(list_.data, key=lambda item: item.index)
    return {
        "vectors": [item.embedding for item in data],
        "input": list_.usage.prompt_tokens,
        "output": 0,
        "cost_nanos": nanos(list_.usage),
    }


def read_google_vectors(client, case):
    contents = ["x"] * case["inputs"]
    answer = client.models.embed_content(model=case["model"], contents=contents)
    usage = answer.usage_metadata
    tokens = [
        one.statistics.token_count
        for one in answer.embeddings
        if one.statistics and one.statistics.token_count
    ]
    return {
        "vectors": [one.values for one in answer.embeddings],
        "input": usage.prompt_token_count if usage else int(sum(tokens)),
        "output": 0,
        "cost_nanos": None,
    }


def picture(mime_type, data, prompt=None):
    return {"mime_type": mime_type, "data": data, "revised_prompt": prompt or ""}


def read_openai_pictures(client, case):
    client = getattr(client, "v1", client)
    answer = client.images.generate(model="m", prompt="x")
    kind = KINDS.get(answer.output_format)
    usages = [usage for usage in (answer.usage, answer.svg_usage) if usage]
    images = []
    for item, meant in zip(answer.data, case["answer"]["images"], strict=True):
        if item.b64_json:
            # Without a type in the answer, the magic bytes decide.
            images.append(picture(kind or meant["mime_type"], item.b64_json, item.revised_prompt))
        else:
            images.append({"url": item.url, "revised_prompt": item.revised_prompt or ""})
    return {
        "images": images,
        "input": sum(usage.input_tokens for usage in usages),
        "output": sum(usage.output_tokens for usage in usages),
        "cost_nanos": None,
    }


def read_openrouter_pictures(client, case):
    answer = client.images.generate(model="m", prompt="x")
    usage = answer.usage
    return {
        "images": [picture(item.media_type, item.b64_json) for item in answer.data],
        "input": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "cost_nanos": nanos(usage),
    }


def read_google_pictures(client, case):
    answer = client.models.generate_content(model="gemini-2.5-flash-image", contents="x")
    if answer.prompt_feedback:
        return {"declined": answer.prompt_feedback.block_reason.value}
    images = [
        picture(part.inline_data.mime_type, base64.b64encode(part.inline_data.data).decode())
        for candidate in answer.candidates
        for part in (candidate.content.parts or [] if candidate.content else [])
        if part.inline_data and not part.thought
    ]
    if not images:
        return {"declined": answer.candidates[0].finish_reason.value}
    usage = answer.usage_metadata
    return {
        "images": images,
        "input": usage.prompt_token_count,
        "output": (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        "cost_nanos": None,
    }


READERS = {
    "embeddings/azure": read_openai_vectors,
    "embeddings/google": read_google_vectors,
    "embeddings/openai": read_openai_vectors,
    "embeddings/openrouter": read_openrouter_vectors,
    "embeddings/vertex": read_google_vectors,
    "images/azure": read_openai_pictures,
    "images/custom": read_openai_pictures,
    "images/google": read_google_pictures,
    "images/openai": read_openai_pictures,
    "images/openrouter": read_openrouter_pictures,
    "images/vertex": read_google_pictures,
}
