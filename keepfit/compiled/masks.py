"""Masks: small trees over rows without a jump that depends on a value, in the text of LLVM.

A node that a row leaves to the right rules out the leaves to its left; the row's leaf is the first that no node rules
out. So all nodes of a tree are asked in any order, LANES rows at a time, in the manner of QuickScorer (Lucchese et al.,
SIGIR 2015) and of its vectors (Lucchese et al., SIGIR 2016).
"""

from keepfit.compiled.walks import ADD, LANES

HEAD = """
%Node = type { double, i64, i64 }
%Tree = type { i64, i64, i64, i64 }
%Masks = type { %Node*, %Tree*, double*, i64, i64, i64, i64 }

declare i64 @llvm.cttz.i64(i64, i1)

define internal <LANES x i64> @rule_out(<LANES x i1> %right, i64 %mask, <LANES x i64> %out) alwaysinline {
  %one = insertelement <LANES x i64> undef, i64 %mask, i32 0
  %all = shufflevector <LANES x i64> %one, <LANES x i64> undef, <LANES x i32> zeroinitializer
  %left = select <LANES x i1> %right, <LANES x i64> %all, <LANES x i64> zeroinitializer
  %next = or <LANES x i64> %out, %left
  ret <LANES x i64> %next
}
"""

# Where a missing value goes left, a comparison with it must be false (ogt); where it goes right, true (ugt).
ASK = """
define internal <LANES x i64> @ask_COMPARE(
    %Node* %nodes, i64 %from, i64 %to, double* %values, <LANES x i64> %before) alwaysinline {
entry:
  br label %next
next:
  %n = phi i64 [ %from, %entry ], [ %n_next, %node ]
  %out = phi <LANES x i64> [ %before, %entry ], [ %out_next, %node ]
  %more = icmp slt i64 %n, %to
  br i1 %more, label %node, label %done
node:
  %threshold_p = getelementptr %Node, %Node* %nodes, i64 %n, i32 0
  %mask_p = getelementptr %Node, %Node* %nodes, i64 %n, i32 1
  %feature_p = getelementptr %Node, %Node* %nodes, i64 %n, i32 2
  %threshold = load double, double* %threshold_p
  %mask = load i64, i64* %mask_p
  %feature = load i64, i64* %feature_p
  %offset = mul i64 %feature, LANES
  %value_p = getelementptr double, double* %values, i64 %offset
  %vector_p = bitcast double* %value_p to <LANES x double>*
  %vector = load <LANES x double>, <LANES x double>* %vector_p, align 8
  %one = insertelement <LANES x double> undef, double %threshold, i32 0
  %thresholds = shufflevector <LANES x double> %one, <LANES x double> undef, <LANES x i32> zeroinitializer
  %right = fcmp COMPARE <LANES x double> %vector, %thresholds
  %out_next = call <LANES x i64> @rule_out(<LANES x i1> %right, i64 %mask, <LANES x i64> %out)
  %n_next = add i64 %n, 1
  br label %next
done:
  ret <LANES x i64> %out
}
"""

# Sums run from the first tree to the last, as scikit-learn's do.
TREES = """
define internal i64 @first_left_over(i64* %out, i64 %lane) alwaysinline {
  %out_p = getelementptr i64, i64* %out, i64 %lane
  %ruled_out = load i64, i64* %out_p
  %left_over = xor i64 %ruled_out, -1
  %leaf = call i64 @llvm.cttz.i64(i64 %left_over, i1 true)
  ret i64 %leaf
}

define internal void @add_leaves(
    i64* %out, double* %leaves, double* %sums, i64 %width, i64 %scores) alwaysinline {
entry:
  %is_one = icmp eq i64 %scores, 1
  br i1 %is_one, label %one, label %lane
one:
  %i = phi i64 [ 0, %entry ], [ %i_next, %one ]
  %one_leaf = call i64 @first_left_over(i64* %out, i64 %i)
  %one_value = getelementptr double, double* %leaves, i64 %one_leaf
  %one_sum = getelementptr double, double* %sums, i64 %i
  call void @add_values(double* %one_value, double* %one_sum, i64 1)
  %i_next = add i64 %i, 1
  %more_ones = icmp slt i64 %i_next, LANES
  br i1 %more_ones, label %one, label %done
lane:
  %j = phi i64 [ 0, %entry ], [ %j_next, %lane ]
  %leaf = call i64 @first_left_over(i64* %out, i64 %j)
  %leaf_offset = mul i64 %leaf, %width
  %row_offset = mul i64 %j, %scores
  %leaf_values = getelementptr double, double* %leaves, i64 %leaf_offset
  %row_sums = getelementptr double, double* %sums, i64 %row_offset
  call void @add_values(double* %leaf_values, double* %row_sums, i64 %width)
  %j_next = add i64 %j, 1
  %more = icmp slt i64 %j_next, LANES
  br i1 %more, label %lane, label %done
done:
  ret void
}

define void @mask_rows(%Masks* %masks, double* %rows, i64 %blocks, double* %sums) {
entry:
  %out_p = alloca <LANES x i64>
  %out_first = bitcast <LANES x i64>* %out_p to i64*
  %tables = load %Masks, %Masks* %masks
  %nodes = extractvalue %Masks %tables, 0
  %trees = extractvalue %Masks %tables, 1
  %values = extractvalue %Masks %tables, 2
  %count = extractvalue %Masks %tables, 3
  %columns = extractvalue %Masks %tables, 4
  %width = extractvalue %Masks %tables, 5
  %scores = extractvalue %Masks %tables, 6
  %block_size = mul i64 %columns, LANES
  %block_scores = mul i64 %scores, LANES
  br label %block
block:
  %b = phi i64 [ 0, %entry ], [ %b_next, %block_end ]
  %more_blocks = icmp slt i64 %b, %blocks
  br i1 %more_blocks, label %block_begin, label %done
block_begin:
  %rows_offset = mul i64 %b, %block_size
  %block_rows = getelementptr double, double* %rows, i64 %rows_offset
  %sums_offset = mul i64 %b, %block_scores
  %block_sums = getelementptr double, double* %sums, i64 %sums_offset
  br label %tree
tree:
  %t = phi i64 [ 0, %block_begin ], [ %t_next, %ask ]
  %from = phi i64 [ 0, %block_begin ], [ %to, %ask ]
  %more_trees = icmp slt i64 %t, %count
  br i1 %more_trees, label %ask, label %block_end
ask:
  %tree_p = getelementptr %Tree, %Tree* %trees, i64 %t
  %tree_now = load %Tree, %Tree* %tree_p
  %middle = extractvalue %Tree %tree_now, 0
  %to = extractvalue %Tree %tree_now, 1
  %leaves_offset = extractvalue %Tree %tree_now, 2
  %output = extractvalue %Tree %tree_now, 3
  %out_ogt = call <LANES x i64> @ask_ogt(
    %Node* %nodes, i64 %from, i64 %middle, double* %block_rows, <LANES x i64> zeroinitializer)
  %out = call <LANES x i64> @ask_ugt(
    %Node* %nodes, i64 %middle, i64 %to, double* %block_rows, <LANES x i64> %out_ogt)
  store <LANES x i64> %out, <LANES x i64>* %out_p
  %leaves = getelementptr double, double* %values, i64 %leaves_offset
  %tree_sums = getelementptr double, double* %block_sums, i64 %output
  call void @add_leaves(i64* %out_first, double* %leaves, double* %tree_sums, i64 %width, i64 %scores)
  %t_next = add i64 %t, 1
  br label %tree
block_end:
  %b_next = add i64 %b, 1
  br label %block
done:
  ret void
}
"""

CODE = (HEAD + ADD + ASK.replace("COMPARE", "ogt") + ASK.replace("COMPARE", "ugt") + TREES).replace("LANES", str(LANES))
