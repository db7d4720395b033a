//! `/openapi.json`: every path of the console port, with what it takes and answers, as this gate is configured.

mod paths;
mod schemas;

use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::openapi::{RefOr, Schema};

use crate::inbound::decision_api::Config;
use crate::inbound::decision_api::service::Explainers;

/// The scheme of the decision API's token, and that of CDS clients.
const TOKEN: &str = "token";
const CDS_CLIENT: &str = "cds-client";

/// The description as JSON.
pub(super) fn document(config: &Config, explainers: &Explainers) -> String {
    let mut api = paths::Api::openapi();
    if let Some(url) = &config.public_url {
        api.servers = Some(vec![Server::new(url.trim_end_matches('/'))]);
    }
    let mut components = api.components.take().unwrap_or_default();
    if config.token_file.is_some() {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of `[decision_api] token_file`."))
            .build();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
    }
    if config.cds_clients {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A CDS client's own signed token, one for each request."))
            .build();
        components.add_security_scheme(CDS_CLIENT, SecurityScheme::Http(scheme));
    }
    api.components = Some(components);
    for (path, entry) in &mut api.paths.paths {
        let needed = match path.as_str() {
            "/v1/explain" | "/access/v1/evaluation" | "/access/v1/evaluations" => {
                config.token_file.is_some().then_some(TOKEN)
            }
            path if path.starts_with("/cds-services/") => config.cds_clients.then_some(CDS_CLIENT),
            _ => None,
        };
        let Some(operation) = &mut entry.post else { continue };
        if let Some(name) = needed {
            let none: [&str; 0] = [];
            operation.security = Some(vec![SecurityRequirement::new(name, none)]);
        }
        if path == "/v1/explain" {
            name_routes(operation, explainers);
        }
    }
    api.to_json().unwrap_or_default()
}

/// The routes there are, as the values of `route`.
fn name_routes(operation: &mut Operation, explainers: &Explainers) {
    let names = explainers.iter().map(|explainer| explainer.route.to_string());
    let names: Vec<String> = names.collect();
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.name == "route" && parameter.parameter_in == ParameterIn::Query {
            let schema =
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.clone()));
            parameter.schema = Some(RefOr::T(Schema::Object(schema.build())));
        }
    }
}
