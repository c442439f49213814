# Two compactions after each other, each with a kept tail of calls and results.
a 09:00:00 S
  user: sort
  call t1 Bash: sort
b 09:00:01 S
  after a
  result t1: sorted
  answer: Sorted.
k 09:00:10 S
  after b
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.</summary>
c 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.
  assistant: I sort.
  calls t1 Bash: sort
  result t1: sorted
  assistant: Sorted.
  user: and pears
  call t2 Bash: sort
d 09:00:21 S
  after c
  result t2: sorted too
  answer: Pears.
l 09:00:30 S
  after d
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: sorting apples and then pears by a command of the shell, run twice.</summary>
e 09:00:40 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sorting apples and then pears by a command of the shell, run twice.
  assistant: I sort.
  calls t2 Bash: sort
  result t2: sorted too
  assistant: Pears.
  user: and plums
  answer: Plums.
f 09:00:50 S
  after e
  user: end
expect c compact of k on compact_090020
expect d turn of c on compact_090020
expect l turn of d on compact_090020
expect e compact of l on compact_090040
expect f turn of e on compact_090040
