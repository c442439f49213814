//! One session from its first prompt to its last answer.

use serde_json::json;

use super::{
    answer::Block,
    exchange::Exchange,
    random::Random,
    teller::{Line, Teller},
    words,
};

const TOOLS: [&str; 4] = ["Bash", "Read", "Edit", "Grep"];
/// Messages after which a history may be summarised.
const LONG: usize = 40;

pub(super) struct Session {
    teller: Teller,
    main: Line,
}

impl Session {
    pub(super) fn new(mut random: Random, begin: i64, number: u32) -> Self {
        let session = random.uuid();
        let model = words::model(&mut random);
        Self { teller: Teller::new(random, begin, number), main: Line::new(session, None, model) }
    }

    /// Goes on until about `budget` requests were sent.
    pub(super) fn run(mut self, budget: u32) -> Vec<Exchange> {
        let budget = budget as usize;
        let mut is_first = true;
        while self.teller.sent.len() < budget.max(1) {
            let task = words::task(&mut self.teller.random);
            if std::mem::take(&mut is_first) && budget > 2 {
                let title = task.trim_start_matches("Please ").to_owned();
                self.teller.title(&self.main, &task, &title);
            }
            self.main.say(&task);
            self.work(budget);
            self.pause();
        }
        self.teller.sent
    }

    /// Tool steps, and the answer at their end.
    fn work(&mut self, budget: usize) {
        let steps = self.teller.random.below(9);
        for _ in 0..steps {
            if self.teller.sent.len() + 1 >= budget {
                break;
            }
            if self.teller.random.chance(6) {
                self.delegate();
            } else {
                self.step();
            }
        }
        let mut blocks = Vec::new();
        if self.teller.random.chance(30) {
            blocks.push(Block::Thinking(words::thought(&mut self.teller.random)));
        }
        blocks.push(Block::Text(words::report(&mut self.teller.random)));
        self.teller.ask(&mut self.main, &blocks);
    }

    fn step(&mut self) {
        tool_step(&mut self.teller, &mut self.main);
    }

    /// A sub-agent does a part.
    fn delegate(&mut self) {
        let task = words::task(&mut self.teller.random);
        let id = format!("toolu_{}", self.teller.random.hex(24));
        let input = json!({"description": "a part", "prompt": task, "subagent_type": "general"});
        let call = Block::Tool { id: id.clone(), name: "Agent", input };
        self.teller.ask(&mut self.main, &[call]);
        self.teller.wait(20, 200);
        let agent = self.teller.random.hex(17);
        let session = self.main.session.clone();
        let mut line = Line::new(session, Some(agent.clone()), self.main.model);
        line.say(&task);
        for _ in 0..self.teller.random.between(1, 4) {
            tool_step(&mut self.teller, &mut line);
        }
        let report = words::report(&mut self.teller.random);
        self.teller.ask(&mut line, &[Block::Text(report.clone())]);
        self.main.result(&id, &format!("{report}\nagentId: {agent}"));
    }

    /// A human reads; sometimes the session is summarised, or goes on from an earlier point.
    fn pause(&mut self) {
        self.teller.wait(3_000, 240_000);
        if self.teller.random.chance(4) {
            self.teller.wait(600_000, 7_200_000);
        }
        if self.main.messages.len() > LONG && self.teller.random.chance(25) {
            self.compact();
        } else if self.main.messages.len() > 6 && self.teller.random.chance(6) {
            self.fork();
        }
    }

    fn compact(&mut self) {
        self.main.say("Your task is to create a detailed summary of the conversation so far.");
        let summary = format!(
            "The user asked to {} Then: {}",
            words::task(&mut self.teller.random),
            words::report(&mut self.teller.random)
        );
        let answer = format!("<analysis>In order.</analysis>\n<summary>\n{summary}\n</summary>");
        self.teller.ask(&mut self.main, &[Block::Text(answer)]);
        self.main.messages.clear();
        self.main.say(&format!(
            "This session is being continued from a previous conversation that ran out of context. \
             The conversation is summarized below:\nSummary:\n{summary}"
        ));
    }

    /// Under a new session id, from an answer of a while ago.
    fn fork(&mut self) {
        let answers: Vec<usize> = (0..self.main.messages.len())
            .filter(|at| self.main.messages[*at].starts_with("{\"role\":\"assistant\""))
            .filter(|at| !self.main.messages[*at].contains("\"tool_use\""))
            .collect();
        let Some(last) = answers.len().checked_sub(2).map(|at| answers[at]) else { return };
        self.main.messages.truncate(last + 1);
        self.main.session = self.teller.random.uuid();
    }
}

fn tool_step(teller: &mut Teller, line: &mut Line) {
    let name = teller.random.pick(&TOOLS);
    let id = format!("toolu_{}", teller.random.hex(24));
    let file = words::file(&mut teller.random);
    let input = match name {
        "Bash" => {
            json!({"command": format!("cargo test -- {file}"), "description": "run the tests"})
        }
        "Edit" => {
            json!({"file_path": file, "old_string": "let a = 1;", "new_string": "let a = 2;"})
        }
        "Grep" => json!({"pattern": "fn step", "path": file}),
        _read => json!({"file_path": file}),
    };
    let mut blocks = Vec::new();
    if teller.random.chance(25) {
        blocks.push(Block::Text(words::thought(&mut teller.random)));
    }
    blocks.push(Block::Tool { id: id.clone(), name, input });
    teller.ask(line, &blocks);
    teller.wait(80, 9_000);
    let result = words::result(&mut teller.random);
    line.result(&id, &result);
}
