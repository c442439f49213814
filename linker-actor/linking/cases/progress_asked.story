# What a sub-agent does is asked behind its history, under its name, while it goes on.
a 09:00:00 s1
  user: Count with an agent
  call t1 Agent: count the apples
b 09:00:01 s1/x1
  user: count the apples
  call u1 Bash: ls
c 09:00:02 s1/x1
  after b
  result u1: seven
  call u2 Bash: wc
d 09:00:03 s1/x1
  upto c
  user: Describe your most recent action in 3-5 words using present tense (-ing). Name the file or function, not the branch. Do not use tools.
  answer: Counting apples
e 09:00:04 s1/x1
  after c
  result u2: 7
  answer: Seven.
expect d auxiliary
expect b subagent of a on subtask_1
expect e turn of c on subtask_1
