# Summarising from a message on keeps what came before it, and puts the summary behind.
a 09:00:00 S
  user: sort the apples
  answer: Sorted.
b 09:00:10 S
  after a
  user: and the pears
  answer: Also sorted.
k 09:00:20 S
  after b
  user: Your task is to create a detailed summary of the RECENT portion of the conversation
  answer: <summary>1. Primary Request and Intent: the pears were to be sorted by size, colour and name.</summary>
c 09:00:30 S
  after a
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the pears were to be sorted by size, colour and name.
  block: and the plums
  answer: Plums.
d 09:00:40 S
  after c
  user: thanks
expect c compact of k on compact_090030 by summary
expect d turn of c on compact_090030
