// A dense layer whose busy cycles follow its weights that are not zero.
//
// Inputs come in BANKS banks, one of each a beat. Each bank has GROUPS lanes, a multiplier each, that walk lists of
// their own of {next output, place in the window, weight}, PERIOD steps a frame, all in step. A bank's inputs pass
// through a window of WINDOW places of which every lane has a copy; a program says when which one enters. A lane works
// for SLOTS outputs in turn: the sums that it is not at wait in a ring. A frame takes the sums up in fixed steps, the
// opening ones; that is when those of the frame before leave, are added over the banks and queued.
//
// Nothing stalls within a frame. A frame begins when it is stored and the queue has room for the sums before it.
module dense_sparse #(
    parameter BEATS = 1,        // beats of a frame
    parameter BANKS = 1,        // inputs a beat
    parameter GROUPS = 1,       // lanes of a bank
    parameter SLOTS = 1,        // outputs of a lane
    parameter BUSES = 1,        // sums a cycle that leave the lanes; divides GROUPS
    parameter WINDOW = 2,
    parameter PERIOD = 4,       // steps of a frame
    parameter LEAD = 1,         // steps that the window is ahead
    parameter LAST_OPENING = 2, // steps until the last opening one is through
    parameter WORDS = 1,        // of BUSES sums, a frame
    parameter MERGED = 1,       // words that leave the queue as one; divides WORDS
    parameter Q_FINAL = 1,      // sums in the last of those
    parameter QUEUE_BITS = 1,
    parameter P_OUT = 1,        // outputs a cycle; divides BUSES * MERGED, or there is one such word
    parameter X_WIDTH = 8,
    parameter X_SIGNED = 0,
    parameter W_WIDTH = 8,
    parameter SUM_WIDTH = 21,   // of sums of products
    parameter SHIFT = 0,
    parameter ACC_WIDTH = 21,
    parameter USE_DSP = 1,
    parameter STEPS = "",       // {opening, lanes} of every step, then a row of zeros
    parameter SMALL = 0,        // the stored frames are in memories of LUTs
    parameter ENTRIES = "",     // {a beat enters, its place, its number} of every step
    parameter LEAVING = ""      // {the lane of each bank and bus, BUSES biases} of every word
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire [BANKS*X_WIDTH-1:0]   in_data,
    input  wire                       in_valid,
    output wire                       in_ready,
    output wire [P_OUT*ACC_WIDTH-1:0] sum_data,
    output wire                       sum_valid,
    input  wire                       sum_ready
);
    localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam PLACE_BITS = WINDOW > 1 ? $clog2(WINDOW) : 1;
    localparam STEP_BITS = $clog2(PERIOD + 1);
    localparam X_BITS = X_SIGNED ? X_WIDTH : X_WIDTH + 1;
    localparam LANES = BANKS * GROUPS;
    localparam LANE_BITS = 1 + PLACE_BITS + W_WIDTH;
    localparam HELD = GROUPS / BUSES;                     // lanes of a bank that share a bus
    localparam CHOICE_BITS = HELD > 1 ? $clog2(HELD) : 1;
    localparam WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;

    // The frames: one is stored while the other is read.
    reg [1:0] full;
    reg write_half;
    reg [BEAT_BITS-1:0] beat;
    assign in_ready = !full[write_half];
    wire take = in_valid && in_ready;
    wire stored = take && (beat == BEATS - 1);

    // What enters the window, LEAD steps ahead; it waits there for the steps.
    reg entering;
    reg read_half;
    reg [STEP_BITS-1:0] entry;
    wire begin_steps;
    wire entry_last = (entry == PERIOD - 1);
    wire advance = entering && ((entry != LEAD) || begin_steps);
    wire read_through = advance && entry_last;
    // A half is free two cycles later, when the last input has been read.
    reg [1:0] freed, freed_half;

    // The steps. `pending`: the sums of a whole frame are in the lanes.
    reg running;
    reg draining;
    reg pending;
    reg emits;
    reg [STEP_BITS-1:0] step;
    reg [STEP_BITS-1:0] waited;
    wire step_last = running && (step == (draining ? LAST_OPENING - 1 : PERIOD - 1));
    wire free = !running || step_last;
    wire finished = pending || (step_last && !draining);
    wire room;
    wire coming = entering || full[read_half] || (beat != 0);
    assign begin_steps = entering && (entry == LEAD) && free && (room || !finished);
    // Without a next frame in sight the sums leave by opening steps alone.
    wire begin_drain = !begin_steps && free && finished && room && !(coming && waited != PERIOD - 1)
        && !(entering && entry == LEAD);
    wire begin_any = begin_steps || begin_drain;

    always @(posedge clk) begin
        freed <= {freed[0], read_through};
        freed_half <= {freed_half[0], read_half};
        if (rst) begin
            full <= 2'b00;
            write_half <= 1'b0;
            beat <= {BEAT_BITS{1'b0}};
            entering <= 1'b0;
            read_half <= 1'b0;
            entry <= {STEP_BITS{1'b0}};
            freed <= 2'b00;
            running <= 1'b0;
            draining <= 1'b0;
            pending <= 1'b0;
            emits <= 1'b0;
            step <= {STEP_BITS{1'b0}};
            waited <= {STEP_BITS{1'b0}};
        end else begin
            if (take) beat <= stored ? {BEAT_BITS{1'b0}} : beat + 1'b1;
            if (stored) begin
                full[write_half] <= 1'b1;
                write_half <= !write_half;
            end
            if (freed[1]) full[freed_half[1]] <= 1'b0;

            if (advance) entry <= entry_last ? {STEP_BITS{1'b0}} : entry + 1'b1;
            if (read_through) begin
                read_half <= !read_half;
                entering <= full[!read_half];
            end else if (full[read_half]) entering <= 1'b1;

            if (begin_any) begin
                running <= 1'b1;
                draining <= begin_drain;
                emits <= finished;
                pending <= 1'b0;
                step <= {STEP_BITS{1'b0}};
            end else if (step_last) begin
                running <= 1'b0;
                pending <= finished;
            end else if (running) step <= step + 1'b1;
            waited <= (begin_any || running) ? {STEP_BITS{1'b0}} : (waited == PERIOD - 1) ? waited : waited + 1'b1;
        end
    end

    wire [LANES*LANE_BITS:0] row;
    row_rom #(.WIDTH(1 + LANES*LANE_BITS), .DEPTH(PERIOD + 1), .ADDRESS_WIDTH(STEP_BITS), .ROWS(STEPS)) steps (
        .clk(clk), .enable(1'b1), .address(running ? step : PERIOD[STEP_BITS-1:0]), .row(row)
    );
    wire [PLACE_BITS+BEAT_BITS:0] enters;
    row_rom #(
        .WIDTH(1 + PLACE_BITS + BEAT_BITS), .DEPTH(PERIOD), .ADDRESS_WIDTH(STEP_BITS), .ROWS(ENTRIES), .SHALLOW(512)
    ) entries (.clk(clk), .enable(1'b1), .address(entry), .row(enters));

    // entries -> the stored inputs -> the windows; rows -> operands -> products -> sums
    reg entered, place_valid;
    reg entered_half;
    reg [PLACE_BITS-1:0] place;
    reg opening, leaving;
    always @(posedge clk) begin
        entered <= advance;
        entered_half <= read_half;
        place_valid <= entered && enters[PLACE_BITS+BEAT_BITS];
        place <= enters[BEAT_BITS +: PLACE_BITS];
        opening <= row[LANES*LANE_BITS];
        leaving <= row[LANES*LANE_BITS] && emits && !rst;
    end

    // The words of a slot leave in the HELD cycles after its opening.
    reg [WORD_BITS-1:0] word;
    reg [CHOICE_BITS:0] more;
    // The last slots may have fewer words than others, or none; a frame's first opening begins with the first word.
    reg begun, first;
    reg spent;
    wire word_last = (word == WORDS - 1);
    wire word_issue = (leaving || (more != 0)) && !(spent && !first);
    always @(posedge clk) begin
        begun <= running && (step == 0);
        first <= begun;
        if (rst) begin
            word <= {WORD_BITS{1'b0}};
            more <= 0;
            spent <= 1'b0;
        end else begin
            if (leaving) more <= HELD - 1;
            else if (more != 0) more <= more - 1'b1;
            if (word_issue) begin
                word <= word_last ? {WORD_BITS{1'b0}} : word + 1'b1;
                spent <= word_last;
            end
        end
    end
    wire [BANKS*BUSES*CHOICE_BITS+BUSES*ACC_WIDTH-1:0] leave;
    row_rom #(
        .WIDTH(BANKS*BUSES*CHOICE_BITS + BUSES*ACC_WIDTH), .DEPTH(WORDS), .ADDRESS_WIDTH(WORD_BITS), .ROWS(LEAVING)
    ) words (.clk(clk), .enable(1'b1), .address(word), .row(leave));

    reg [BANKS*X_WIDTH-1:0] x;
    generate
        if (SMALL) begin : of_luts
            (* ram_style = "distributed" *) reg [BANKS*X_WIDTH-1:0] frames [0:(2<<BEAT_BITS)-1];
            always @(posedge clk) begin
                if (take) frames[{write_half, beat}] <= in_data;
                x <= frames[{entered_half, enters[BEAT_BITS-1:0]}];
            end
        end else begin : of_blocks
            (* ram_style = "block" *) reg [BANKS*X_WIDTH-1:0] frames [0:(2<<BEAT_BITS)-1];
            always @(posedge clk) begin
                if (take) frames[{write_half, beat}] <= in_data;
                x <= frames[{entered_half, enters[BEAT_BITS-1:0]}];
            end
        end
    endgenerate

    wire [LANES*SUM_WIDTH-1:0] held;
    genvar b, g, v;
    generate
        for (b = 0; b < BANKS; b = b + 1) begin : bank
            // Three lanes share a copy of the window: as many as a memory of LUTs has ports for.
            for (g = 0; g < GROUPS; g = g + 3) begin : trio
                localparam COUNT = GROUPS - g < 3 ? GROUPS - g : 3;
                sparse_lanes #(
                    .COUNT(COUNT), .SLOTS(SLOTS), .WINDOW(WINDOW), .PLACE_BITS(PLACE_BITS), .X_WIDTH(X_WIDTH),
                    .X_SIGNED(X_SIGNED), .W_WIDTH(W_WIDTH), .SUM_WIDTH(SUM_WIDTH), .USE_DSP(USE_DSP)
                ) lanes (
                    .clk(clk), .write(place_valid), .place(place), .x(x[b*X_WIDTH +: X_WIDTH]),
                    .rows(row[(b*GROUPS+g)*LANE_BITS +: COUNT*LANE_BITS]), .opening(opening),
                    .held(held[(b*GROUPS+g)*SUM_WIDTH +: COUNT*SUM_WIDTH])
                );
            end
        end
    endgenerate

    // A bus adds what the banks have of its output, and the bias.
    localparam LEVELS = $clog2(BANKS);
    localparam LEAVES = 1 << LEVELS;
    reg [LEVELS+1:0] word_valid;
    reg [LEVELS+1:0] word_final;
    wire [BUSES*ACC_WIDTH-1:0] sums;
    always @(posedge clk) begin
        word_final <= {word_final[LEVELS:0], word_last};
        if (rst) word_valid <= 0;
        else word_valid <= {word_valid[LEVELS:0], word_issue};
    end
    generate
        for (v = 0; v < BUSES; v = v + 1) begin : bus
            // Node 1 is the root, nodes 2n and 2n+1 are the children of n, the banks are the nodes from LEAVES on.
            wire [2*LEAVES*ACC_WIDTH-1:0] node;
            assign node[ACC_WIDTH-1:0] = {ACC_WIDTH{1'b0}};
            for (b = 0; b < LEAVES; b = b + 1) begin : leaf
                if (b < BANKS) begin : used
                    wire [HELD*SUM_WIDTH-1:0] offered = held[(b*GROUPS+v*HELD)*SUM_WIDTH +: HELD*SUM_WIDTH];
                    wire [CHOICE_BITS-1:0] choice = leave[BUSES*ACC_WIDTH + (b*BUSES+v)*CHOICE_BITS +: CHOICE_BITS];
                    reg signed [SUM_WIDTH-1:0] chosen;
                    always @(posedge clk) chosen <= HELD > 1 ? offered[choice*SUM_WIDTH +: SUM_WIDTH] : offered;
                    wire signed [ACC_WIDTH+SUM_WIDTH-1:0] wide = chosen;
                    if (SHIFT >= ACC_WIDTH) assign node[(LEAVES+b)*ACC_WIDTH +: ACC_WIDTH] = {ACC_WIDTH{1'b0}};
                    else assign node[(LEAVES+b)*ACC_WIDTH +: ACC_WIDTH] = {wide[ACC_WIDTH-SHIFT-1:0], {SHIFT{1'b0}}};
                end else begin : unused
                    assign node[(LEAVES+b)*ACC_WIDTH +: ACC_WIDTH] = {ACC_WIDTH{1'b0}};
                end
            end
            for (b = 1; b < LEAVES; b = b + 1) begin : tree
                // As wide as a sum of so many banks can be.
                localparam FULL = SUM_WIDTH + SHIFT + LEVELS + 1 - $clog2(b + 1);
                localparam WIDTH = FULL < ACC_WIDTH ? FULL : ACC_WIDTH;
                reg [WIDTH-1:0] pair;
                always @(posedge clk) pair <= node[2*b*ACC_WIDTH +: WIDTH] + node[(2*b+1)*ACC_WIDTH +: WIDTH];
                wire [ACC_WIDTH+WIDTH-1:0] extended = {{ACC_WIDTH{pair[WIDTH-1]}}, pair};
                assign node[b*ACC_WIDTH +: ACC_WIDTH] = extended[ACC_WIDTH-1:0];
            end
            // The bias waits as long as the tree takes.
            reg [(LEVELS+1)*ACC_WIDTH-1:0] biases;
            always @(posedge clk) biases <= {biases, leave[v*ACC_WIDTH +: ACC_WIDTH]};
            assign sums[v*ACC_WIDTH +: ACC_WIDTH] =
                node[ACC_WIDTH +: ACC_WIDTH] + biases[LEVELS*ACC_WIDTH +: ACC_WIDTH];
        end
    endgenerate

    // The queue has room for a whole frame before its sums leave the lanes.
    reg [QUEUE_BITS:0] reserved;
    wire [QUEUE_BITS+1:0] wanted = reserved + WORDS;
    assign room = (wanted <= (1 << QUEUE_BITS));
    wire waiting, pop, drained, merged_valid, merged_final, load;
    wire [BUSES*ACC_WIDTH:0] queued;
    wire [MERGED*BUSES*ACC_WIDTH-1:0] merged_sums;
    assign load = merged_valid && (!sum_valid || drained);
    always @(posedge clk) begin
        if (rst) reserved <= 0;
        else reserved <= reserved + ((begin_any && finished) ? WORDS : 0) - {{QUEUE_BITS{1'b0}}, pop};
    end
    fifo #(.WIDTH(BUSES*ACC_WIDTH + 1), .DEPTH_BITS(QUEUE_BITS)) queue (
        .clk(clk), .rst(rst), .in_data({word_final[LEVELS+1], sums}), .in_valid(word_valid[LEVELS+1]),
        .out_data(queued), .out_valid(waiting), .out_ready(pop)
    );
    generate
        if (MERGED == 1) begin : single
            assign pop = load;
            assign merged_valid = waiting;
            assign {merged_final, merged_sums} = queued;
        end else begin : several
            wire ready;
            wire [MERGED*(BUSES*ACC_WIDTH+1)-1:0] together;
            assign pop = waiting && ready;
            collect #(.WIDTH(BUSES*ACC_WIDTH + 1), .BEATS(MERGED)) collected (
                .clk(clk), .rst(rst), .in_data(queued), .in_valid(waiting), .in_ready(ready),
                .out_data(together), .out_valid(merged_valid), .out_ready(load)
            );
            assign merged_final = together[MERGED*(BUSES*ACC_WIDTH+1)-1];
            for (v = 0; v < MERGED; v = v + 1) begin : part
                assign merged_sums[v*BUSES*ACC_WIDTH +: BUSES*ACC_WIDTH] =
                    together[v*(BUSES*ACC_WIDTH+1) +: BUSES*ACC_WIDTH];
            end
        end
    endgenerate
    drain #(.Q(MERGED*BUSES), .P_OUT(P_OUT), .Q_FINAL(Q_FINAL), .WIDTH(ACC_WIDTH)) values_out (
        .clk(clk), .rst(rst), .load(load), .load_final(merged_final), .values(merged_sums),
        .out_data(sum_data), .out_valid(sum_valid), .out_ready(sum_ready), .drained(drained)
    );
endmodule
