//! The environment variables of one prefix, as configuration values.

use figment::util::nest;
use figment::value::{Dict, Value};

use super::ConfigError;

/// The variables of this process that begin with `prefix`.
pub fn environment(prefix: &str) -> Result<Vec<(String, String)>, ConfigError> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with(prefix).then_some((name, value))
        })
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(ConfigError::NotUnicode { variable: name }),
        })
        .collect()
}

/// Variables by the field that each of them sets.
pub(super) struct Variables {
    prefix: String,
    set: Vec<Variable>,
}

struct Variable {
    name: String,
    field: Vec<String>,
    value: Value,
}

impl Variables {
    pub(super) fn collect(
        prefix: &str,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut set = Vec::new();
        for (name, value) in env {
            let Some(rest) = name.strip_prefix(prefix) else {
                continue;
            };
            if is_service_link(rest) {
                continue;
            }
            let field: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
            if field.iter().any(String::is_empty) {
                return Err(ConfigError::MalformedVariable { variable: name });
            }
            let value = value.parse().unwrap_or_else(|never| match never {});
            set.push(Variable { name, field, value });
        }
        // The environment has no order; sorting keeps the result the same.
        set.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            prefix: prefix.to_owned(),
            set,
        })
    }

    pub(super) fn values(&self) -> Dict {
        let mut all = Dict::new();
        for variable in &self.set {
            insert(&mut all, &variable.field, variable.value.clone());
        }
        all
    }

    /// The variable that sets `field` or a table around it.
    pub(super) fn setting(&self, field: &[String]) -> Option<&str> {
        self.find(|variable| field.starts_with(&variable.field))
    }

    /// A variable that sets something beneath `field`.
    pub(super) fn beneath(&self, field: &[String]) -> Option<&str> {
        self.find(|variable| variable.field.starts_with(field))
    }

    /// The name of the variable that would set `field`; an element of an array has none.
    pub(super) fn name_for(&self, field: &[String]) -> Option<String> {
        if field.iter().any(|step| step.parse::<usize>().is_ok()) {
            return None;
        }
        let levels: Vec<String> = field.iter().map(|step| step.to_ascii_uppercase()).collect();
        Some(format!("{}{}", self.prefix, levels.join("__")))
    }

    fn find(&self, matches: impl Fn(&Variable) -> bool) -> Option<&str> {
        self.set
            .iter()
            .find(|variable| matches(variable))
            .map(|variable| variable.name.as_str())
    }
}

/// Whether Kubernetes sets the variable for a Service whose name is the prefix's: `…_SERVICE_HOST`,
/// `…_SERVICE_PORT`, `…_PORT`, and their like for each port (Kubernetes documentation, "Service",
/// "Environment variables"). No field of ours has such a name.
fn is_service_link(rest: &str) -> bool {
    let of_ports = |name: &str| {
        let ports = rest.strip_prefix(name);
        ports.is_some_and(|port| port.is_empty() || port.starts_with('_'))
    };
    let is_field = rest.contains("__");
    !is_field && (rest == "SERVICE_HOST" || of_ports("SERVICE_PORT") || of_ports("PORT"))
}

fn insert(table: &mut Dict, field: &[String], value: Value) {
    let [first, rest @ ..] = field else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    if let Some(Value::Dict(_, inner)) = table.get_mut(first) {
        insert(inner, rest, value);
    } else {
        table.insert(first.clone(), nest(&rest.join("."), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_kubernetes_service_are_no_fields() {
        let named = |name: &str| (name.to_owned(), "tcp://10.0.0.1:7700".to_owned());
        let links = [
            "LATCHKEY_VAULT_SERVICE_HOST",
            "LATCHKEY_VAULT_SERVICE_PORT",
            "LATCHKEY_VAULT_SERVICE_PORT_GRPC",
            "LATCHKEY_VAULT_PORT",
            "LATCHKEY_VAULT_PORT_7700_TCP",
            "LATCHKEY_VAULT_PORT_7700_TCP_ADDR",
        ];
        let variables = Variables::collect("LATCHKEY_VAULT_", links.map(named)).unwrap();
        assert!(variables.values().is_empty());
        // Variables that look like them stay as strict as the file.
        for field in ["PORTS", "SERVICE", "PORT__X", "SERVICE_HOSTS"] {
            let variable = named(&format!("LATCHKEY_VAULT_{field}"));
            let variables = Variables::collect("LATCHKEY_VAULT_", [variable]).unwrap();
            assert_eq!(variables.values().len(), 1, "{field}");
        }
    }
}
