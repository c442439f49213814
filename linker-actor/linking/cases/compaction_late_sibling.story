# Of two continuations that are the same summary, the one whose answer follows may come last: it still is the parent.
p 09:00:00 S
  user: sort the apples
  answer: Sorted.
q 09:00:10 S
  after p
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.</summary>
r 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. The conversation is summarized below: Summary: 1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.
  answer: On.
s 09:00:30 S
  after r
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.</summary>
u 09:00:40 S
  upto r
  answer: Once more.
t 09:00:50 S
  after u
  user: and the pears
expect r compact of q on compact_090020
expect u compact of s on compact_090040
expect t turn of u on compact_090040 by agent_prefix
