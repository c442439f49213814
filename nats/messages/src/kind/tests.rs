use serde_json::{Value, json};

use super::*;

fn of(class: Option<RequestClass>, body: &Value) -> RequestType {
    let body = body.to_string();
    RequestType::of(class, &Request::parse(body.as_bytes()).expect("a request"))
}

#[test]
fn the_word_quota_for_one_token_is_the_probe() {
    let probe = json!({"max_tokens": 1, "messages": [{"role": "user", "content": "quota"}]});
    assert_eq!(of(None, &probe), RequestType::Quota);
    assert_eq!(of(Some(RequestClass::Auxiliary), &probe), RequestType::Quota);
    let question = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "quota"}]});
    assert_eq!(of(None, &question), RequestType::Inference);
}

#[test]
fn the_class_decides_where_it_is_given() {
    let title = json!({"system": [{"type": "text", "text": "You are coming up with a succinct title"}],
        "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(of(None, &title), RequestType::Auxiliary);
    assert_eq!(of(Some(RequestClass::Main), &title), RequestType::Inference);
    let turn = json!({"tools": [{"name": "Bash"}], "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(of(Some(RequestClass::Auxiliary), &turn), RequestType::Auxiliary);
}

#[test]
fn tools_or_a_prompt_of_ones_own_make_no_auxiliary() {
    let plain = json!({"messages": [{"role": "user", "content": "Name a colour"}]});
    assert_eq!(of(None, &plain), RequestType::Inference);
    let brief = json!({"system": "You are brief.", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(of(None, &brief), RequestType::Inference);
    let titles = json!({"system": "Generate a concise title", "tools": [{"name": "t"}],
        "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(of(None, &titles), RequestType::Inference);
}

#[test]
fn a_fetched_page_is_read_for_the_user_interface() {
    let page = json!({"messages": [{"role": "user", "content": "Web page content:\n---\nhello"}]});
    assert_eq!(of(None, &page), RequestType::Auxiliary);
}

#[test]
fn a_cache_warmed_or_a_web_searched_is_the_clients_own_though_it_has_tools() {
    for text in ["Warmup", "Perform a web search for the query: apples"] {
        let messages = json!([{"role": "user", "content": [{"type": "text", "text": text}]}]);
        let own =
            json!({"system": "You are an agent.", "tools": [{"name": "t"}], "messages": messages});
        assert_eq!(of(None, &own), RequestType::Auxiliary, "{text}");
        assert_eq!(of(None, &json!({"messages": messages})), RequestType::Inference, "{text}");
    }
}

#[test]
fn a_question_aside_stands_behind_the_whole_history() {
    let aside =
        "<system-reminder>This is a side question from the user. Answer it.</system-reminder>";
    let mut messages = vec![
        json!({"role": "user", "content": "x"}),
        json!({"role": "assistant", "content": "y"}),
        json!({"role": "user", "content": [{"type": "text", "text": aside}, {"type": "text", "text": "which?"}]}),
    ];
    let asked =
        |messages: &[Value]| of(None, &json!({"tools": [{"name": "t"}], "messages": messages}));
    assert_eq!(asked(&messages), RequestType::Auxiliary);
    messages.push(json!({"role": "system", "content": "Noted."}));
    assert_eq!(asked(&messages), RequestType::Auxiliary);
    messages.push(json!({"role": "assistant", "content": "That one."}));
    messages.push(json!({"role": "user", "content": "go on"}));
    assert_eq!(asked(&messages), RequestType::Inference, "only the last message asks");
}

#[test]
fn names_are_read_back() {
    for known in RequestType::ALL {
        assert_eq!(RequestType::parse(known.as_str()), Some(known));
    }
    assert_eq!(RequestType::parse("other"), None);
}
