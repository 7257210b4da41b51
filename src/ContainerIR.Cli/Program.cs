Console.WriteLine("cir");
