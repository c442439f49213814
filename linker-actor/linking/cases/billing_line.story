# The billing line of the system prompt changes with version and conversation: it has no say between equals.
a 09:00:00 -
  billing: cc_version=2.1.330.aaa; cc_entrypoint=cli;
  prompt: You sort apples.
  user: hi
  answer: Hello.
b 09:00:01 -
  billing: cc_version=2.1.331.bbb; cc_entrypoint=cli;
  prompt: You count pears.
  user: hi
  answer: Hello.
c 09:00:02 -
  billing: cc_version=2.1.331.bbb; cc_entrypoint=cli;
  prompt: You sort apples.
  after a
  user: go on
expect b root apart a
expect c turn of a on main
