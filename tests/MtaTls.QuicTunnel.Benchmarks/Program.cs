using MtaTls.QuicTunnel.Benchmarks;

// Each command measures one thing and prints one table. "all" runs goodput, aggregate, cut, packets and memory. Commands that use network namespaces need root.
string command = args.FirstOrDefault() ?? "help";
switch (command)
{
    case "goodput":
        await Goodput.RunAsync();
        break;
    case "speed":
        await Speed.RunAsync(args[1..]);
        break;
    case "aggregate":
        await Aggregate.RunAsync();
        break;
    case "pairs":
        await Pairs.RunAsync(args[1..]);
        break;
    case "matrix":
        await Pairs.RunMatrixAsync(args[1..]);
        break;
    case "cut":
        await Cut.RunAsync(args[1..]);
        break;
    case "back":
        await Back.RunAsync(args[1..]);
        break;
    case "flood":
        await Flood.RunAsync(args[1..]);
        break;
    case "soak":
        await Soak.RunAsync(args[1..]);
        break;
    case "packets":
        await PerPacket.RunAsync(args[1..]);
        break;
    case "memory":
        await IdleMemory.RunAsync();
        break;
    case "memory-server":
        await IdleMemory.ServeAsync();
        break;
    case "all":
        await Goodput.RunAsync();
        await Aggregate.RunAsync();
        await Cut.RunAsync([]);
        await PerPacket.RunAsync();
        await IdleMemory.RunAsync();
        break;
    default:
        Console.WriteLine(
            """
            goodput     one TCP download without a tunnel, through the tunnel, and through OpenVPN (if installed), between the same namespaces
            speed       throughput and CPU time of one TCP connection each way, compared with OpenVPN: speed [seconds=4] [rounds=3] [setting=Interface:Offload:false] [small=40000]
            aggregate   two access networks of 50 Mbit/s compared with one
            pairs       two emulated access networks compared with the better one alone: pairs [seconds=10] [rounds=1] [alone=no] [inside=cubic|bbr] [only=A+B,...] [setting=Scheduler:RoundRobin]
            matrix      every pair with EarliestDelivery, RoundRobin and ActiveBackup, cubic and BBR inside, in one run: matrix [seconds=8] [only=A+B,...]
            cut         the longest time without a packet after the path in use was cut: cut [rounds=7] [forged=50]
            back        the time until a network that was down is used again: back [seconds=20] [rounds=5] [rate=1500k]
            flood       a download, and new clients, while somebody floods the concentrator: flood [seconds=4] [rounds=3] [rates=5000,50000]
            soak        two access networks with faults for a long time: soak [minutes=30] [faults="new port on b,down on a"]
            packets     CPU time and allocations of a packet through both ends: packets [size=1280]
            memory      memory of an idle session with two paths
            all
            """);
        return 1;
}

return 0;
