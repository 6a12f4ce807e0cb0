using MtaTls.AgentHost;

// gateway | agent: settings come from the environment, as an operator gives them to a container.
return args switch
{
    ["gateway", ..] => await GatewayRole.RunAsync(),
    ["agent", ..] => await AgentRole.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("gateway | agent");
    return 2;
}
