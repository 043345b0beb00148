use tonic::Code;

use super::{GPT_4_1, delete, get, priced, upsert};
use crate::harness::{APP, Router, refused};
use crate::on_both_databases;

on_both_databases!(
    deleting_an_override_restores_the_model_of_the_file,
    a_model_without_an_override_is_not_found,
    a_malformed_name_is_refused,
);

async fn deleting_an_override_restores_the_model_of_the_file(router: Router) {
    let before = get(&router, APP, GPT_4_1).await.unwrap();
    upsert(&router, priced(GPT_4_1, 1)).await.unwrap();
    delete(&router, GPT_4_1).await.unwrap();
    assert_eq!(get(&router, APP, GPT_4_1).await.unwrap(), before);
    let router = router.restart().await;
    assert_eq!(get(&router, APP, GPT_4_1).await.unwrap(), before);
}

async fn a_model_without_an_override_is_not_found(router: Router) {
    let outcome = delete(&router, GPT_4_1).await;
    refused(outcome, Code::NotFound, "MODEL_NOT_FOUND");
    let ours = "providers/custom/models/llama-4";
    upsert(&router, priced(ours, 1)).await.unwrap();
    delete(&router, ours).await.unwrap();
    refused(
        delete(&router, ours).await,
        Code::NotFound,
        "MODEL_NOT_FOUND",
    );
    refused(
        get(&router, APP, ours).await,
        Code::NotFound,
        "MODEL_NOT_FOUND",
    );
}

async fn a_malformed_name_is_refused(router: Router) {
    let outcome = delete(&router, "gpt-4.1").await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["name"]);
}
