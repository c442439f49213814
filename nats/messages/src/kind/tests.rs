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
    assert_eq!(of(RequestClass::parse("side_reply"), &turn), RequestType::Auxiliary);
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
fn the_usage_report_of_a_client_is_its_own() {
    let asked = |text: &str| of(None, &json!({"messages": [{"role": "user", "content": text}]}));
    let text = "Analyze this Claude Code usage data and identify future opportunities.\nx";
    assert_eq!(asked(text), RequestType::Auxiliary);
    assert_eq!(asked("Analyze this data, please."), RequestType::Inference);
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
    let stamped = aside.replace("reminder>", "reminder id=\"0123456789abcdef\">");
    messages[2]["content"][0]["text"] = json!(stamped);
    assert_eq!(asked(&messages), RequestType::Auxiliary, "{stamped}");
    let quoted = json!({"role": "user", "content": format!("What does this mean? {aside}")});
    assert_eq!(asked(&[quoted]), RequestType::Inference, "a person may quote it");
    messages.push(json!({"role": "system", "content": "Noted."}));
    assert_eq!(asked(&messages), RequestType::Auxiliary);
    messages.push(json!({"role": "assistant", "content": "That one."}));
    messages.push(json!({"role": "user", "content": "go on"}));
    assert_eq!(asked(&messages), RequestType::Inference, "only the last message asks");
}

#[test]
fn what_is_asked_aside_with_tools_takes_more_than_one_request() {
    let user = |content: Value| json!({"role": "user", "content": content});
    let result = || json!({"type": "tool_result", "tool_use_id": "t1", "content": "nothing yet"});
    let reminder = json!({"type": "text", "text": "<system-reminder>Briefly.</system-reminder>"});
    let call = json!({"type": "tool_use", "id": "t1", "name": "Read", "input": {}});
    for text in [
        "You are now acting as the memory extraction subagent. Analyze the most recent ~2 messages.",
        "IMPORTANT: This message and these instructions are NOT part of the actual user conversation.",
    ] {
        let mut messages = vec![
            user(json!("x")),
            json!({"role": "assistant", "content": "y"}),
            user(json!(text)),
            json!({"role": "assistant", "content": [call]}),
            user(json!([result(), reminder])),
        ];
        let asked =
            |messages: &[Value]| of(None, &json!({"tools": [{"name": "t"}], "messages": messages}));
        assert_eq!(asked(&messages), RequestType::Auxiliary, "{text}");
        messages[2] = user(json!("Count."));
        assert_eq!(asked(&messages), RequestType::Inference, "{text}");
    }
}

#[test]
fn one_token_is_a_probe_where_a_client_asks() {
    let asked = |max: u64, more: &Value| {
        let mut body = json!({"max_tokens": max, "messages": [{"role": "user", "content": "Hi"}]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        of(None, &body)
    };
    let tools = json!({"tools": [{"name": "t"}]});
    let session = json!({"metadata": {"user_id": "user_ab_account__session_33-44"}});
    let billed = json!({"system": [{"type": "text",
        "text": "x-anthropic-billing-header: cc_version=2.1.332.18b; cc_entrypoint=cli;"}]});
    let older = json!({"system": "You are Claude Code, Anthropic's official CLI for Claude."});
    for client in [tools, session, billed, older] {
        assert_eq!(asked(1, &client), RequestType::Auxiliary, "{client}");
        assert_eq!(asked(2, &client), RequestType::Inference, "{client}");
    }
    let other = json!({"metadata": {"user_id": "somebody"}, "system": "Answer yes or no."});
    for plain in [json!({}), other] {
        assert_eq!(asked(1, &plain), RequestType::Inference, "{plain}");
    }
}

#[test]
fn names_are_read_back() {
    for known in RequestType::ALL {
        assert_eq!(RequestType::parse(known.as_str()), Some(known));
    }
    assert_eq!(RequestType::parse("other"), None);
}
