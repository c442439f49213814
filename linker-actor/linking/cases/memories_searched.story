# A client (2.1) looks for memories after an answer, with the whole history, its tools and several requests: none of it belongs to the conversation.
a 09:00:00 s1
  user: Count the apples
  answer: Seven.
b 09:00:05 s1
  after a
  user: You are now acting as the memory extraction subagent. Analyze the most recent ~2 messages above and use them to update your persistent memory systems.
  call t1 Read: memory.md
c 09:00:06 s1
  after b
  result t1: nothing yet
  block: <system-reminder>Mind the budget.</system-reminder>
  answer: Nothing to save.
d 09:00:20 s1
  after a
  user: Now the pears
  answer: Nine.
expect b auxiliary
expect c auxiliary
expect d turn of a on main
