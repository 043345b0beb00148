//! Builds the conversations.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    Blob, File, Image, Message, Part, ProviderState, Reasoning, Role, ToolCall, ToolResult, file,
    image,
};

use super::conversations::{
    AssistantPart, Kinds, Leaf, Mark, Planted, ResultPart, Turn, UserPart, What,
};
use crate::cases::{conversation, message, part};

/// A conversation of these turns and a final user turn.
pub(super) fn plant(kinds: Kinds, system: Option<&[Mark]>, turns: &[Turn]) -> Planted {
    let mut field = Field {
        kinds,
        at: String::new(),
        planted_words: 0,
        leaves: Vec::new(),
    };
    let mut messages = Vec::new();
    if let Some(marks) = system {
        let texts = marks.iter().enumerate().map(|(p, mark)| {
            field.go_to(0, p);
            let text = field.text();
            field.with_state(text, *mark)
        });
        messages.push(message(Role::System, texts.collect::<Vec<_>>()));
    }
    for turn in turns {
        messages.push(field.user(messages.len(), turn));
        messages.push(field.assistant(messages.len(), turn));
        let calls = calls_of(&messages[messages.len() - 1]);
        if !calls.is_empty() {
            messages.push(field.results(messages.len(), turn, &calls));
        }
    }
    field.go_to(messages.len(), 0);
    messages.push(message(Role::User, [field.text()]));
    Planted {
        request: conversation(messages),
        leaves: field.leaves,
    }
}

fn calls_of(message: &Message) -> Vec<ToolCall> {
    let calls = message.parts.iter().filter_map(|part| match &part.content {
        Some(Content::ToolCall(call)) => Some(call.clone()),
        _ => None,
    });
    calls.collect()
}

/// The field that is filled next.
struct Field {
    kinds: Kinds,
    at: String,
    planted_words: usize,
    leaves: Vec<Leaf>,
}

impl Field {
    fn go_to(&mut self, message: usize, part: usize) {
        self.at = format!("messages[{message}].parts[{part}]");
    }

    fn user(&mut self, m: usize, turn: &Turn) -> Message {
        let parts = turn.user.iter().enumerate().map(|(p, (kind, mark))| {
            self.go_to(m, p);
            let part = match kind {
                UserPart::LinkedImage | UserPart::InlineImage => self.image(*kind),
                UserPart::LinkedFile | UserPart::Pdf | UserPart::PlainFile if self.kinds.files => {
                    self.file(*kind)
                }
                _ => self.text(),
            };
            self.with_state(part, *mark)
        });
        message(Role::User, parts.collect::<Vec<_>>())
    }

    fn assistant(&mut self, m: usize, turn: &Turn) -> Message {
        let parts = turn.assistant.iter().enumerate().map(|(p, (kind, mark))| {
            self.go_to(m, p);
            let content = match kind {
                AssistantPart::Blank if self.kinds.blanks => self.blank(),
                AssistantPart::Blank | AssistantPart::Text => self.text(),
                AssistantPart::Refusal => part(Content::Refusal(self.word(What::Refusal))),
                AssistantPart::Reasoning => return self.reasoning(*mark),
                AssistantPart::Redacted => return self.redacted(*mark),
                AssistantPart::Call => self.call(),
            };
            self.with_state(content, *mark)
        });
        message(Role::Assistant, parts.collect::<Vec<_>>())
    }

    fn results(&mut self, m: usize, turn: &Turn, calls: &[ToolCall]) -> Message {
        let all = calls.iter().zip(&turn.results).enumerate();
        let parts = all.map(|(p, (call, (kinds, failed, mark)))| {
            let inner = kinds.iter().enumerate().map(|(r, (kind, mark))| {
                self.go_to(m, p);
                self.at = format!("{}.tool_result.parts[{r}]", self.at);
                let inner = match kind {
                    ResultPart::Image if self.kinds.tool_images => {
                        self.image(UserPart::InlineImage)
                    }
                    ResultPart::Blank if self.kinds.blanks => self.blank(),
                    _ => self.text(),
                };
                self.with_state(inner, *mark)
            });
            let result = ToolResult {
                tool_call_id: call.id.clone(),
                name: call.name.clone(),
                parts: inner.collect(),
                failed: *failed,
            };
            self.go_to(m, p);
            self.with_state(part(Content::ToolResult(result)), *mark)
        });
        message(Role::Tool, parts.collect::<Vec<_>>())
    }

    fn text(&mut self) -> Part {
        part(Content::Text(self.word(What::Words)))
    }

    /// White space of a unique length.
    fn blank(&mut self) -> Part {
        self.planted_words += 1;
        let blank = format!(
            "{}{}",
            "\n".repeat(self.planted_words),
            " ".repeat(self.planted_words)
        );
        self.leaf(What::Blank, [blank.replace('\n', "\\n")]);
        part(Content::Text(blank))
    }

    fn call(&mut self) -> Part {
        let id = self.word(What::CallId);
        let [name, city] = [(); 2].map(|()| self.word(What::Words));
        part(Content::ToolCall(ToolCall {
            id,
            name,
            arguments: format!(r#"{{"city":"{city}"}}"#),
        }))
    }

    fn reasoning(&mut self, mark: Mark) -> Part {
        let text = self.word(What::Reasoning);
        let data = mark.map(|mark| match mark {
            "openai" | "azure" => {
                let [id, content] = [(); 2].map(|()| self.word(What::State));
                format!(
                    r#"{{"id":"{id}","type":"reasoning","encrypted_content":"{content}",
                        "summary":[{{"type":"summary_text","text":"{text}"}}]}}"#
                )
            }
            "openrouter" if self.planted_words.is_multiple_of(2) => {
                let signature = self.word(What::State);
                format!(
                    r#"[{{"type":"reasoning.text","text":"{text}","signature":"{signature}"}}]"#
                )
            }
            "openrouter" => "[]".to_owned(),
            "deepseek" => "reasoning_content".to_owned(),
            _ => self.word(What::State),
        });
        let thought = Reasoning {
            text,
            redacted: false,
        };
        stated(part(Content::Reasoning(thought)), mark, data)
    }

    fn redacted(&mut self, mark: Mark) -> Part {
        let data = mark.map(|mark| match mark {
            "openai" | "azure" => {
                let id = self.word(What::State);
                format!(r#"{{"id":"{id}","type":"reasoning","summary":[]}}"#)
            }
            "openrouter" => {
                let data = self.word(What::State);
                format!(r#"[{{"type":"reasoning.encrypted","data":"{data}"}}]"#)
            }
            "deepseek" => "reasoning_content".to_owned(),
            _ => self.word(What::State),
        });
        let thought = Reasoning {
            text: String::new(),
            redacted: true,
        };
        stated(part(Content::Reasoning(thought)), mark, data)
    }

    fn image(&mut self, kind: UserPart) -> Part {
        let detail = if self.kinds.details {
            [0, 1, 2, 3][self.planted_words % 4]
        } else {
            0
        };
        let source = match kind {
            UserPart::LinkedImage => image::Source::Url(self.url()),
            _ => image::Source::Blob(self.blob("image/png")),
        };
        part(Content::Image(Image {
            source: Some(source),
            detail,
        }))
    }

    fn file(&mut self, kind: UserPart) -> Part {
        let source = match kind {
            UserPart::LinkedFile => file::Source::Url(self.url()),
            UserPart::PlainFile => file::Source::Blob(self.blob("text/plain")),
            _ => file::Source::Blob(self.blob("application/pdf")),
        };
        let filename = match self.planted_words % 3 {
            0 => String::new(),
            _ => self.word(What::Filename),
        };
        part(Content::File(File {
            source: Some(source),
            filename,
        }))
    }

    fn url(&mut self) -> String {
        format!("https://example.com/{}", self.word(What::Words))
    }

    /// Adds bytes, which a body has as base64 or, if they are text, as text.
    fn blob(&mut self, mime_type: &str) -> Blob {
        self.planted_words += 1;
        let word = word(self.planted_words);
        self.leaf(What::Words, [STANDARD.encode(&word), word.clone()]);
        Blob {
            mime_type: mime_type.to_owned(),
            data: word.into_bytes().into(),
        }
    }

    /// Adds state to a part other than reasoning.
    fn with_state(&mut self, part: Part, mark: Mark) -> Part {
        let assistants = matches!(
            part.content,
            Some(Content::ToolCall(_) | Content::Text(_) | Content::Refusal(_))
        );
        let data = mark.map(|mark| {
            let word = self.word(What::State);
            match mark {
                "openai" | "azure" if assistants => format!(r#"{{"id":"{word}"}}"#),
                _ => word,
            }
        });
        stated(part, mark, data)
    }

    fn word(&mut self, what: What) -> String {
        self.planted_words += 1;
        let word = word(self.planted_words);
        self.leaf(what, [word.clone()]);
        word
    }

    fn leaf(&mut self, what: What, spellings: impl IntoIterator<Item = String>) {
        self.leaves.push(Leaf {
            field: self.at.clone(),
            what,
            spellings: spellings.into_iter().collect(),
        });
    }
}

/// A word that is not part of any other.
fn word(number: usize) -> String {
    format!("word{number}end")
}

fn stated(part: Part, mark: Mark, data: Option<String>) -> Part {
    let state = mark.zip(data).map(|(mark, data)| ProviderState {
        provider: mark.to_owned(),
        data: data.into_bytes().into(),
    });
    Part {
        provider_state: state,
        ..part
    }
}
