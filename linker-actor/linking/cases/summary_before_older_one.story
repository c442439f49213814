# Summarised from a message on, and later up to a message before that summary: the newer summary is the parent.
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
l 09:00:40 S
  upto a
  user: Your task is to create a detailed summary of this portion of the conversation
  answer: <summary>1. Primary Request and Intent: the apples were to be sorted first, and so they were.</summary>
d 09:00:50 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the apples were to be sorted first, and so they were.
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the pears were to be sorted by size, colour and name.
  block: and the plums
  assistant: Plums.
  user: what else?
  answer: Nothing.
e 09:01:00 S
  after d
  user: thanks
expect c compact of k on compact_090030
expect d compact of l on compact_090050 by summary
expect e turn of d on compact_090050
