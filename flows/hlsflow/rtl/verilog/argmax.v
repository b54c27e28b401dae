// Where the largest of a frame's values stands: ONE there, the first of equal ones, zero elsewhere. LANES values a
// beat go through a tree of comparisons with a register at each level, then against the largest of the beats before.
module argmax #(
    parameter SIZE = 2,        // values of a frame
    parameter LANES = 1,       // values a beat, in and out
    parameter WIDTH = 8,
    parameter SIGNED = 1,
    parameter OUT_WIDTH = 8,
    parameter [OUT_WIDTH-1:0] ONE = 1
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire [LANES*WIDTH-1:0]     in_data,
    input  wire                       in_valid,
    output wire                       in_ready,
    output wire [LANES*OUT_WIDTH-1:0] out_data,
    output wire                       out_valid,
    input  wire                       out_ready
);
    localparam BEATS = (SIZE + LANES - 1) / LANES;
    localparam FINAL = SIZE - (BEATS - 1) * LANES;     // values of the last beat
    localparam LEVELS = $clog2(LANES);
    localparam LEAVES = 1 << LEVELS;
    localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam LANE_BITS = LEVELS > 0 ? LEVELS : 1;
    localparam NODE = 1 + LANE_BITS + WIDTH;           // {whether it is a value, lane, value}

    // All levels, and the comparison behind them, move at once.
    wire load_free;
    reg [LEVELS:0] valid;
    reg best_final;            // `best` is that of a whole frame
    wire advance = !(valid[LEVELS] && best_final) || load_free;
    assign in_ready = advance;

    reg [BEAT_BITS-1:0] in_beat;
    wire last = (in_beat == BEATS - 1);

    wire [2*LEAVES*NODE-1:0] node;
    assign node[NODE-1:0] = {NODE{1'b0}};
    genvar i;
    generate
        for (i = 0; i < LEAVES; i = i + 1) begin : leaf
            if (i < LANES) begin : used
                wire is_value = (i < FINAL) || !last;
                wire [LANE_BITS-1:0] lane = i;
                assign node[(LEAVES+i)*NODE +: NODE] = {is_value, lane, in_data[i*WIDTH +: WIDTH]};
            end else begin : unused
                assign node[(LEAVES+i)*NODE +: NODE] = {NODE{1'b0}};
            end
        end
        for (i = 1; i < LEAVES; i = i + 1) begin : tree
            wire [NODE-1:0] a = node[2*i*NODE +: NODE];
            wire [NODE-1:0] b = node[(2*i+1)*NODE +: NODE];
            wire less = SIGNED ? $signed(a[WIDTH-1:0]) < $signed(b[WIDTH-1:0]) : a[WIDTH-1:0] < b[WIDTH-1:0];
            reg [NODE-1:0] larger;
            always @(posedge clk) if (advance) larger <= (b[NODE-1] && less) ? b : a;
            assign node[i*NODE +: NODE] = larger;
        end
    endgenerate

    // The root, with the beat that it belongs to.
    wire [NODE-1:0] root = node[NODE +: NODE];
    wire root_valid;
    reg [BEAT_BITS-1:0] root_beat;
    wire root_last = (root_beat == BEATS - 1);
    generate
        if (LEVELS == 0) assign root_valid = in_valid;
        else assign root_valid = valid[LEVELS-1];
    endgenerate
    wire [LEVELS+1:0] shifted = {valid, in_valid};

    reg [WIDTH-1:0] best;
    reg [BEAT_BITS-1:0] best_beat;
    reg [LANE_BITS-1:0] best_lane;
    wire larger_than_best = SIGNED ? $signed(best) < $signed(root[WIDTH-1:0]) : best < root[WIDTH-1:0];

    always @(posedge clk) begin
        if (advance && root_valid) begin
            if (root_beat == 0 || larger_than_best) begin
                best <= root[WIDTH-1:0];
                best_beat <= root_beat;
                best_lane <= root[WIDTH +: LANE_BITS];
            end
            best_final <= root_last;
        end
        if (rst) begin
            in_beat <= 0;
            root_beat <= 0;
            valid <= {LEVELS+1{1'b0}};
        end else if (advance) begin
            if (in_valid) in_beat <= last ? 0 : in_beat + 1'b1;
            if (root_valid) root_beat <= root_last ? 0 : root_beat + 1'b1;
            valid <= shifted[LEVELS:0];
        end
    end

    wire [BEATS*LANES*OUT_WIDTH-1:0] one_hot;
    generate
        for (i = 0; i < BEATS * LANES; i = i + 1) begin : result
            wire here = (best_beat == i / LANES) && (best_lane == i % LANES);
            assign one_hot[i*OUT_WIDTH +: OUT_WIDTH] = here ? ONE : {OUT_WIDTH{1'b0}};
        end
    endgenerate

    wire drained;
    assign load_free = !out_valid || drained;
    drain #(.Q(BEATS*LANES), .P_OUT(LANES), .Q_FINAL(BEATS*LANES), .WIDTH(OUT_WIDTH)) outputs (
        .clk(clk), .rst(rst),
        .load(valid[LEVELS] && best_final && load_free), .load_final(1'b1), .values(one_hot),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready), .drained(drained)
    );
endmodule
