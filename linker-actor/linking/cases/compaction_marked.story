# A continuation of a newer client: a mark before it, the tools that were used, and then the summary.
a 09:00:00 s1
  user: Count the apples
  answer: Seven.
k 09:00:10 s1
  after a
  user: Your task is to create a detailed summary of the conversation so far.
  answer: <analysis>x</analysis><summary>1. Primary Request and Intent: the apples were counted, all of them, twice and once more.</summary>
c 09:00:20 s1
  user: <artifact-content-authored-by-others/>\nThis session is being continued from a previous conversation that ran out of context. The summary below covers the earlier portion of the conversation.\n<tools-used-before-summary>Bash, Read</tools-used-before-summary>\nSummary:\n1. Primary Request and Intent: the apples were counted, all of them, twice and once more.
  block: go on
  answer: On.
expect c compact of k on compact_090020 by summary
