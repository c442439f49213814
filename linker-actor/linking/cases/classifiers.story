# Commands are classified, topics detected and sessions named without tools, under prompts of their own.
a 09:00:00 S
  user: hi
  answer: Hello.
p 09:00:01 S
  plain
  prompt: Your task is to process Bash commands that an AI coding agent wants to run.
  user: git status
  answer: git status
t 09:00:02 S
  plain
  prompt: Analyze if this message indicates a new conversation topic.
  user: hi
  answer: {"isNewTopic": true}
n 09:00:03 S
  plain
  prompt: Generate a short kebab-case name that captures this conversation.
  user: hi
  answer: greeting
o 09:00:04 -
  plain
  user: Please write a 5-10 word title for the following conversation: hi
b 09:00:05 S
  after a
  user: next
expect a root on main
expect p auxiliary
expect t auxiliary
expect n auxiliary
expect o auxiliary
expect b turn of a on main by agent_prefix
