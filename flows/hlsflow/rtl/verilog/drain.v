// Takes Q values at once and passes them on P_OUT at a time, the lowest first. The giver reserves the place beforehand.
module drain #(
    parameter Q = 1,
    parameter P_OUT = 1,
    parameter Q_FINAL = 1,     // how many of them are values in a frame's last group
    parameter WIDTH = 21
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   load,
    input  wire                   load_final,
    input  wire [Q*WIDTH-1:0]     values,
    output wire [P_OUT*WIDTH-1:0] out_data,
    output wire                   out_valid,
    input  wire                   out_ready,
    output wire                   drained     // for one cycle: the last values leave, the place is free again
);
    localparam BEATS = (Q + P_OUT - 1) / P_OUT;
    localparam BEATS_FINAL = (Q_FINAL + P_OUT - 1) / P_OUT;
    localparam COUNT_BITS = $clog2(BEATS + 1);

    reg [BEATS*P_OUT*WIDTH-1:0] held;
    reg [COUNT_BITS-1:0] left;

    wire [BEATS*P_OUT*WIDTH-1:0] padded;
    assign padded[Q*WIDTH-1:0] = values;
    generate
        if (BEATS * P_OUT > Q) begin : padding
            assign padded[BEATS*P_OUT*WIDTH-1:Q*WIDTH] = {(BEATS*P_OUT-Q)*WIDTH{1'b0}};
        end
    endgenerate

    assign out_data = held[P_OUT*WIDTH-1:0];
    assign out_valid = (left != {COUNT_BITS{1'b0}});
    wire move = out_valid && out_ready;
    assign drained = move && (left == 1);

    always @(posedge clk) begin
        if (load) held <= padded;
        else if (move) held <= held >> (P_OUT * WIDTH);
        if (rst) left <= {COUNT_BITS{1'b0}};
        else if (load) left <= load_final ? BEATS_FINAL[COUNT_BITS-1:0] : BEATS[COUNT_BITS-1:0];
        else if (move) left <= left - 1'b1;
    end
endmodule
