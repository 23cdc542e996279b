// `-Wextra` knows that no number is above the largest of its type, or below the smallest.
func.func @f(%x: tensor<?xui16, #nd.dims<"n">>, %y: tensor<?xi8, #nd.dims<"n">>, %z: tensor<?xi64, #nd.dims<"n">>)
    -> (tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>) {
  %a = nd.full -1 : i16 : tensor<?xui16, #nd.dims<"n">>
  %b = nd.full -128 : i8 : tensor<?xi8, #nd.dims<"n">>
  %c = nd.full 9223372036854775807 : i64 : tensor<?xi64, #nd.dims<"n">>
  %0 = nd.le %x, %a : tensor<?xui16, #nd.dims<"n">>
  %1 = nd.gt %b, %y : tensor<?xi8, #nd.dims<"n">>
  %2 = nd.le %z, %c : tensor<?xi64, #nd.dims<"n">>
  %3 = nd.lt %z, %c : tensor<?xi64, #nd.dims<"n">>
  func.return %0, %1, %2, %3 : tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>
}
