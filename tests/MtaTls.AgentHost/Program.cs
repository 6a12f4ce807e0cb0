using MtaTls.AgentHost;

// Arguments: gateway | agent. Settings come from environment variables, as for a container.
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
