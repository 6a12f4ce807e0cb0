using MtaTls.QuicTunnel.Benchmarks;

// Each command measures one thing and prints one table; "all" runs them one after another. Those in network namespaces need root.
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
    case "cut":
        await Cut.RunAsync();
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
        await Cut.RunAsync();
        await PerPacket.RunAsync();
        await IdleMemory.RunAsync();
        break;
    default:
        Console.WriteLine(
            """
            goodput     one TCP download: without a tunnel, through it, and through OpenVPN (if installed), between the same namespaces
            speed       throughput and CPU time of one TCP connection each way, beside OpenVPN: speed [seconds=4] [rounds=3] [setting=Interface:Offload:false] [small=40000]
            aggregate   two access networks of 50 Mbit/s against one
            pairs       two emulated access networks against the better one alone: pairs [seconds=10] [inside=cubic|bbr] [only=A+B,...] [setting=Scheduler:RoundRobin]
            cut         from the cut of the path in use to the first packet over the other
            packets     CPU and allocations of a packet through both ends: packets [size=1280]
            memory      of an idle session with two paths
            all
            """);
        return 1;
}

return 0;
