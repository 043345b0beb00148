//! Server reflection, in both versions of its protocol, so that `grpcurl` needs no proto files.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

/// Adds reflection of the services that are named, described in `descriptors`. Health and the
/// details of errors (google.rpc) are described as well, so that a client can print them.
pub fn add_to(
    mut routes: Routes,
    descriptors: &'static [u8],
    services: &[&str],
) -> Result<Routes, Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(descriptors)
            .register_encoded_file_descriptor_set(latchkey_boot::health::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        services
            .iter()
            .fold(builder, |builder, name| builder.with_service_name(*name))
    };
    routes = routes.add_service(builder().build_v1()?);
    Ok(routes.add_service(builder().build_v1alpha()?))
}
