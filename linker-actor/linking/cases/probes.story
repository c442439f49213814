# Before the first prompt a client tries the key and the model, and counts tokens, each for one token; a person's own call for one token is a conversation.
k 08:59:58 ~s1
  plain
  max_tokens 1
  user: test
  answer: T
m 08:59:59 ~s1
  plain
  prompt: You are Claude Code.
  max_tokens 1
  user: Hi
  answer: H
a 09:00:00 ~s1
  user: Count the apples
  answer: Seven.
n 09:00:10 {s1}
  plain
  max_tokens 1
  user: count
  answer: c
b 09:00:20 ~s1
  after a
  user: Now the pears
o 09:00:30 -
  plain
  billing: cc_version=2.1.332.18b; cc_entrypoint=cli;
  prompt: You are Claude Code.
  max_tokens 1
  user: Hi
  answer: H
p 09:01:00 -
  plain
  max_tokens 1
  user: Yes or no?
  answer: Yes
expect k auxiliary
expect m auxiliary
expect a root on main
expect n auxiliary
expect b turn of a on main
expect o auxiliary
expect p root
