//! A small gRPC client that learns the contract by server reflection. It runs the cookbook's
//! commands where grpcurl is missing, and prints answers and errors in grpcurl's form.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use prost_types::FileDescriptorProto;
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// What a command asks of a server.
pub(crate) enum Action<'a> {
    /// Lists the services.
    List,
    /// Describes a service, a method, a message or an enum, with its comments.
    Describe(&'a str),
    /// Calls `package.Service/Method` with a request in protobuf's JSON.
    Call {
        /// `package.Service/Method`.
        method: &'a str,
        /// The request. Empty stands for an empty message.
        json: &'a str,
    },
}

/// Runs an action against a server. Returns the output, or the error in the form of grpcurl.
pub(crate) fn run(address: &str, token: &str, action: &Action<'_>) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let mut server = Server::new(address, token);
        let outcome = match action {
            Action::List => server.list().await,
            Action::Describe(symbol) => server.describe(symbol).await,
            Action::Call { method, json } => server.call(method, json).await,
        };
        match outcome {
            Ok(output) => Ok(output),
            Err(status) => Err(server.format_error(&status).await),
        }
    })
}

type AuthorizedChannel = InterceptedService<Channel, BearerToken>;

#[derive(Clone)]
struct BearerToken(String);

impl Interceptor for BearerToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = MetadataValue::try_from(format!("Bearer {}", self.0));
        let value = value.map_err(|_| Status::internal("the token is not a header value"))?;
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

/// A server, and the descriptors fetched from it so far.
struct Server {
    channel: AuthorizedChannel,
    descriptors: DescriptorPool,
}

impl Server {
    fn new(address: &str, token: &str) -> Self {
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).expect("the address is valid");
        Self {
            channel: InterceptedService::new(
                endpoint.connect_lazy(),
                BearerToken(token.to_owned()),
            ),
            // Holds google.protobuf's well-known types.
            descriptors: DescriptorPool::global(),
        }
    }

    async fn list(&mut self) -> Result<String, Status> {
        let request = MessageRequest::ListServices(String::new());
        match self.reflect(request).await? {
            MessageResponse::ListServicesResponse(list) => {
                let names: Vec<_> = list
                    .service
                    .into_iter()
                    .map(|service| service.name)
                    .collect();
                Ok(names.join("\n"))
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn describe(&mut self, symbol: &str) -> Result<String, Status> {
        self.fetch(symbol).await?;
        let pool = &self.descriptors;
        let described = if let Some(message) = pool.get_message_by_name(symbol) {
            describe(&message.parent_file(), message.path())
        } else if let Some(enumeration) = pool.get_enum_by_name(symbol) {
            describe(&enumeration.parent_file(), enumeration.path())
        } else if let Some(service) = pool.get_service_by_name(symbol) {
            describe(&service.parent_file(), service.path())
        } else {
            let method = self.method(symbol, '.')?;
            describe(&method.parent_file(), method.path())
        };
        Ok(format!("{symbol}\n{described}"))
    }

    /// Sends a request, and returns each message of the answer as JSON.
    async fn call(&mut self, method: &str, json: &str) -> Result<String, Status> {
        let (service, _) = method.split_once('/').unwrap_or((method, ""));
        self.fetch(service).await?;
        let method = self.method(method, '/')?;
        let malformed = |error| Status::invalid_argument(format!("malformed request: {error}"));
        let json = if json.is_empty() { "{}" } else { json };
        let json = serde_json::from_str(json).map_err(malformed)?;
        let json = with_canonical_masks(json);
        let request = DynamicMessage::deserialize(method.input(), json).map_err(malformed)?;
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = path
            .parse()
            .map_err(|_| Status::internal("the method's name is not a path"))?;

        let mut client = Grpc::new(self.channel.clone());
        client
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut answers = client
            .server_streaming(Request::new(request), path, DynamicCodec(method.output()))
            .await?
            .into_inner();
        let mut output = String::new();
        while let Some(answer) = answers.message().await? {
            output.push_str(&to_json(&answer));
            output.push('\n');
        }
        Ok(output)
    }

    /// The method named `package.Service{separator}Method`.
    fn method(&self, name: &str, separator: char) -> Result<MethodDescriptor, Status> {
        name.rsplit_once(separator)
            .and_then(|(service, method)| {
                let service = self.descriptors.get_service_by_name(service)?;
                service.methods().find(|found| found.name() == method)
            })
            .ok_or_else(|| Status::unimplemented(format!("unknown method {name}")))
    }

    /// Fetches the file that declares a symbol, and the files it imports.
    async fn fetch(&mut self, symbol: &str) -> Result<(), Status> {
        let mut files: Vec<FileDescriptorProto> = Vec::new();
        let mut requests = vec![MessageRequest::FileContainingSymbol(symbol.to_owned())];
        let mut known = BTreeSet::new();
        while let Some(request) = requests.pop() {
            let response = match self.reflect(request).await? {
                MessageResponse::FileDescriptorResponse(response) => response,
                MessageResponse::ErrorResponse(error) => {
                    return Err(Status::not_found(error.error_message));
                }
                other => return Err(unexpected(&other)),
            };
            for bytes in response.file_descriptor_proto {
                let file = FileDescriptorProto::decode(&*bytes)
                    .map_err(|error| Status::internal(error.to_string()))?;
                if self.descriptors.get_file_by_name(file.name()).is_some()
                    || !known.insert(file.name().to_owned())
                {
                    continue;
                }
                for import in &file.dependency {
                    if self.descriptors.get_file_by_name(import).is_none()
                        && !known.contains(import)
                    {
                        requests.push(MessageRequest::FileByFilename(import.clone()));
                    }
                }
                files.push(file);
            }
        }
        self.descriptors
            .add_file_descriptor_protos(files)
            .map_err(|error| Status::internal(error.to_string()))
    }

    async fn reflect(&self, request: MessageRequest) -> Result<MessageResponse, Status> {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(request),
        };
        let mut responses = ServerReflectionClient::new(self.channel.clone())
            .server_reflection_info(tokio_stream::once(request))
            .await?
            .into_inner();
        let response = responses.message().await?;
        response
            .and_then(|response| response.message_response)
            .ok_or_else(|| Status::internal("the server ended the reflection stream"))
    }

    /// The error as grpcurl prints it, with its details in clear.
    async fn format_error(&mut self, status: &Status) -> String {
        let mut text = format!(
            "ERROR:\n  Code: {:?}\n  Message: {}\n",
            status.code(),
            status.message()
        );
        let details = tonic_types::Status::decode(status.details()).unwrap_or_default();
        for detail in details.details {
            let name = detail
                .type_url
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            let described = self.fetch(&name).await.is_ok();
            let descriptor = self.descriptors.get_message_by_name(&name);
            let decoded = descriptor
                .filter(|_| described)
                .and_then(|descriptor| DynamicMessage::decode(descriptor, &*detail.value).ok());
            text.push_str(&match decoded {
                Some(decoded) => to_json(&decoded),
                None => name,
            });
            text.push('\n');
        }
        text
    }
}

/// Replaces grpcurl's form of a field mask, `{"paths": ["a.some_field"]}`, with that of protobuf's
/// JSON, `"a.someField"`.
fn with_canonical_masks(json: Value) -> Value {
    match json {
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("paths") => {
            let paths = fields["paths"].as_array().into_iter().flatten();
            let paths: Vec<_> = paths.filter_map(Value::as_str).map(camel_case).collect();
            Value::String(paths.join(","))
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, with_canonical_masks(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(with_canonical_masks).collect(),
        other => other,
    }
}

fn camel_case(path: &str) -> String {
    let mut words = path.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at_checked(1).unwrap_or(("", word));
        text.push_str(&first.to_ascii_uppercase());
        text.push_str(rest);
    }
    text
}

fn unexpected(response: &MessageResponse) -> Status {
    Status::internal(format!("unexpected reflection response: {response:?}"))
}

fn to_json(message: &DynamicMessage) -> String {
    serde_json::to_string_pretty(message).expect("a message is JSON")
}

/// The comments of an element and of everything in it, in the order of the file.
fn describe(file: &prost_reflect::FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut text = String::new();
    for location in info.iter().flat_map(|info| &info.location) {
        if !location.path.starts_with(path) {
            continue;
        }
        for line in location.leading_comments().lines() {
            text.push_str("//");
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Encodes and decodes messages whose types are known at run time only.
struct DynamicCodec(MessageDescriptor);

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicEncoder;
    type Decoder = DynamicDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        DynamicEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        DynamicDecoder(self.0.clone())
    }
}

struct DynamicEncoder;

impl Encoder for DynamicEncoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

struct DynamicDecoder(MessageDescriptor);

impl Decoder for DynamicDecoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        DynamicMessage::decode(self.0.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
