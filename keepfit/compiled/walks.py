"""Walks: trees over rows, in the text of LLVM. It is generic: what differs between models is in the tables."""

# Walks side by side, so that some compute while others wait for memory: rows of one tree, or trees of one row.
LANES = 16

# The values of a leaf to the sums of a row.
ADD = """
define internal void @add_values(double* %values, double* %sums, i64 %width) alwaysinline {
entry:
  br label %score
score:
  %k = phi i64 [ 0, %entry ], [ %k_next, %score ]
  %value_p = getelementptr double, double* %values, i64 %k
  %value = load double, double* %value_p
  %sum_p = getelementptr double, double* %sums, i64 %k
  %sum = load double, double* %sum_p
  %sum_next = fadd double %sum, %value
  store double %sum_next, double* %sum_p
  %k_next = add i64 %k, 1
  %more = icmp slt i64 %k_next, %width
  br i1 %more, label %score, label %done
done:
  ret void
}
"""

# A leaf is its own child, so that a walk of `depth` steps ends in a leaf without asking at each node.
# Sums run from the first tree to the last, as scikit-learn's do.
WALKS = """
%Node = type { double, i32, i16, i16 }
%Forest = type { %Node*, double*, i32*, i32*, i32*, i64, i64, i64, i64 }

define internal i32 @step(%Node* %nodes, double* %values, i64 %stride, i32 %n) alwaysinline {
  %at = sext i32 %n to i64
  %threshold_p = getelementptr %Node, %Node* %nodes, i64 %at, i32 0
  %left_p = getelementptr %Node, %Node* %nodes, i64 %at, i32 1
  %feature_p = getelementptr %Node, %Node* %nodes, i64 %at, i32 2
  %right_if_missing_p = getelementptr %Node, %Node* %nodes, i64 %at, i32 3
  %threshold = load double, double* %threshold_p
  %left = load i32, i32* %left_p
  %feature = load i16, i16* %feature_p
  %right_if_missing16 = load i16, i16* %right_if_missing_p
  %right_if_missing = trunc i16 %right_if_missing16 to i1
  %column = sext i16 %feature to i64
  %offset = mul i64 %column, %stride
  %value_p = getelementptr double, double* %values, i64 %offset
  %value = load double, double* %value_p
  %above = fcmp ogt double %value, %threshold
  %missing = fcmp uno double %value, %value
  %missing_right = and i1 %missing, %right_if_missing
  %goes_right = or i1 %above, %missing_right
  %right = zext i1 %goes_right to i32
  %next = add i32 %left, %right
  ret i32 %next
}

define internal void @descend(%Node* %nodes, i32* %at, i32 %depth, double* %row, i64 %stride, i64 %lane) alwaysinline {
entry:
  br label %level
level:
  %d = phi i32 [ 0, %entry ], [ %d_next, %level_end ]
  %deeper = icmp slt i32 %d, %depth
  br i1 %deeper, label %move, label %done
move:
  %i = phi i64 [ 0, %level ], [ %i_next, %move ]
  %offset = mul i64 %i, %lane
  %lane_row = getelementptr double, double* %row, i64 %offset
  %at_p = getelementptr i32, i32* %at, i64 %i
  %n = load i32, i32* %at_p
  %next = call i32 @step(%Node* %nodes, double* %lane_row, i64 %stride, i32 %n)
  store i32 %next, i32* %at_p
  %i_next = add i64 %i, 1
  %move_more = icmp slt i64 %i_next, LANES
  br i1 %move_more, label %move, label %level_end
level_end:
  %d_next = add i32 %d, 1
  br label %level
done:
  ret void
}

define internal void @add_leaf(%Forest* %forest, i64 %tree, i32 %leaf32, double* %sums) alwaysinline {
  %tables = load %Forest, %Forest* %forest
  %values = extractvalue %Forest %tables, 1
  %outputs = extractvalue %Forest %tables, 4
  %width = extractvalue %Forest %tables, 7
  %output_p = getelementptr i32, i32* %outputs, i64 %tree
  %output32 = load i32, i32* %output_p
  %output = sext i32 %output32 to i64
  %leaf = sext i32 %leaf32 to i64
  %offset = mul i64 %leaf, %width
  %leaf_values = getelementptr double, double* %values, i64 %offset
  %tree_sums = getelementptr double, double* %sums, i64 %output
  call void @add_values(double* %leaf_values, double* %tree_sums, i64 %width)
  ret void
}

define void @walk_row(%Forest* %forest, double* %row, double* %sums) {
entry:
  %at = alloca i32, i64 LANES
  %tables = load %Forest, %Forest* %forest
  %nodes = extractvalue %Forest %tables, 0
  %roots = extractvalue %Forest %tables, 2
  %depths = extractvalue %Forest %tables, 3
  %trees = extractvalue %Forest %tables, 5
  br label %group
group:
  %first = phi i64 [ 0, %entry ], [ %first_next, %add_end ]
  %more_groups = icmp slt i64 %first, %trees
  br i1 %more_groups, label %set, label %done
set:
  %s = phi i64 [ 0, %group ], [ %s_next, %set ]
  %deepest = phi i32 [ 0, %group ], [ %deepest_next, %set ]
  %set_tree = add i64 %first, %s
  %root_p = getelementptr i32, i32* %roots, i64 %set_tree
  %root = load i32, i32* %root_p
  %set_p = getelementptr i32, i32* %at, i64 %s
  store i32 %root, i32* %set_p
  %depth_p = getelementptr i32, i32* %depths, i64 %set_tree
  %tree_depth = load i32, i32* %depth_p
  %is_deeper = icmp sgt i32 %tree_depth, %deepest
  %deepest_next = select i1 %is_deeper, i32 %tree_depth, i32 %deepest
  %s_next = add i64 %s, 1
  %set_more = icmp slt i64 %s_next, LANES
  br i1 %set_more, label %set, label %move
move:
  call void @descend(%Node* %nodes, i32* %at, i32 %deepest_next, double* %row, i64 1, i64 0)
  br label %add
add:
  %j = phi i64 [ 0, %move ], [ %j_next, %add_one ]
  %tree = add i64 %first, %j
  %is_tree = icmp slt i64 %tree, %trees
  %in_group = icmp slt i64 %j, LANES
  %adds = and i1 %is_tree, %in_group
  br i1 %adds, label %add_one, label %add_end
add_one:
  %leaf_p = getelementptr i32, i32* %at, i64 %j
  %leaf = load i32, i32* %leaf_p
  call void @add_leaf(%Forest* %forest, i64 %tree, i32 %leaf, double* %sums)
  %j_next = add i64 %j, 1
  br label %add
add_end:
  %first_next = add i64 %first, LANES
  br label %group
done:
  ret void
}

define void @walk_rows(%Forest* %forest, double* %rows, i64 %blocks, double* %sums) {
entry:
  %at = alloca i32, i64 LANES
  %tables = load %Forest, %Forest* %forest
  %nodes = extractvalue %Forest %tables, 0
  %roots = extractvalue %Forest %tables, 2
  %depths = extractvalue %Forest %tables, 3
  %trees = extractvalue %Forest %tables, 5
  %columns = extractvalue %Forest %tables, 6
  %scores = extractvalue %Forest %tables, 8
  %block_size = mul i64 %columns, LANES
  br label %block
block:
  %b = phi i64 [ 0, %entry ], [ %b_next, %block_end ]
  %more_blocks = icmp slt i64 %b, %blocks
  br i1 %more_blocks, label %block_begin, label %done
block_begin:
  %first = mul i64 %b, LANES
  %block_offset = mul i64 %b, %block_size
  %block_values = getelementptr double, double* %rows, i64 %block_offset
  br label %tree
tree:
  %t = phi i64 [ 0, %block_begin ], [ %t_next, %tree_end ]
  %more_trees = icmp slt i64 %t, %trees
  br i1 %more_trees, label %tree_begin, label %block_end
tree_begin:
  %root_p = getelementptr i32, i32* %roots, i64 %t
  %root = load i32, i32* %root_p
  %depth_p = getelementptr i32, i32* %depths, i64 %t
  %depth = load i32, i32* %depth_p
  br label %set
set:
  %s = phi i64 [ 0, %tree_begin ], [ %s_next, %set ]
  %set_p = getelementptr i32, i32* %at, i64 %s
  store i32 %root, i32* %set_p
  %s_next = add i64 %s, 1
  %set_more = icmp slt i64 %s_next, LANES
  br i1 %set_more, label %set, label %move
move:
  call void @descend(%Node* %nodes, i32* %at, i32 %depth, double* %block_values, i64 LANES, i64 1)
  br label %add
add:
  %j = phi i64 [ 0, %move ], [ %j_next, %add ]
  %leaf_p = getelementptr i32, i32* %at, i64 %j
  %leaf = load i32, i32* %leaf_p
  %row = add i64 %first, %j
  %row_offset = mul i64 %row, %scores
  %row_sums = getelementptr double, double* %sums, i64 %row_offset
  call void @add_leaf(%Forest* %forest, i64 %t, i32 %leaf, double* %row_sums)
  %j_next = add i64 %j, 1
  %add_more = icmp slt i64 %j_next, LANES
  br i1 %add_more, label %add, label %tree_end
tree_end:
  %t_next = add i64 %t, 1
  br label %tree
block_end:
  %b_next = add i64 %b, 1
  br label %block
done:
  ret void
}
"""
CODE = (ADD + WALKS).replace("LANES", str(LANES))
